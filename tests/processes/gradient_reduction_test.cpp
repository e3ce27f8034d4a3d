#include "iddpm/training/gradient_reduction.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iddpm/core/random_stream.h"
#include "iddpm/io/crc32c.h"
#include "tests/golden_case.h"
#include "tests/processes/joined_programs.h"

namespace iddpm::test {
namespace {

constexpr int processes = 3;

/// Parameters of odd sizes, one of which no loss depends on.
NamedParameters new_parameters() {
  NamedParameters parameters;
  std::uint64_t number = 0;
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{7, 5}, {5}, {3}, {5, 11}, {11}, {11, 130}, {130}}) {
    RandomStream stream(1, StreamPurpose::initialisation, number++);
    std::vector<RandomStream> one = {stream};
    parameters.emplace_back("p" + std::to_string(number),
                            normal_per_image(one, shape).squeeze(0).set_requires_grad(true));
  }
  return parameters;
}

Tensor input_of(std::int64_t rank, std::uint64_t part) {
  std::vector<RandomStream> streams = {
      RandomStream(2, StreamPurpose::training_noise, 10 * part + static_cast<std::uint64_t>(rank))};
  return normal_per_image(streams, {4, 7}).squeeze(0);
}

Tensor loss_of(const NamedParameters& p, const Tensor& x) {
  const Tensor hidden = at::tanh(at::matmul(x, p[0].second) + p[1].second);
  const Tensor further = at::tanh(at::matmul(hidden, p[3].second) + p[4].second);
  return (at::matmul(further, p[5].second) + p[6].second).square().sum();
}

// What each process has of its own, added up by one that computes all of it.
std::vector<Tensor> expected_sums() {
  const NamedParameters parameters = new_parameters();
  for (int rank = 0; rank < processes; ++rank) {
    for (const std::uint64_t part : {0U, 1U}) loss_of(parameters, input_of(rank, part)).backward();
  }
  std::vector<Tensor> sums;
  for (const auto& [name, parameter] : parameters) {
    sums.push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter.detach()));
  }
  return sums;
}

void expect_sums(ProcessGroup& group, std::int64_t bucket_bytes) {
  const NamedParameters parameters = new_parameters();
  GradientBuffer gradients(parameters);
  GradientReduction reduction(parameters, gradients, group, bucket_bytes);
  for (int step = 0; step < 2; ++step) {
    gradients.start_anew();
    loss_of(parameters, input_of(group.rank(), 0)).backward();  // an earlier microbatch: nothing is exchanged
    reduction.start();
    loss_of(parameters, input_of(group.rank(), 1)).backward();
    reduction.finish();
    const std::vector<Tensor> sums = expected_sums();
    for (std::size_t i = 0; i < sums.size(); ++i) {
      EXPECT_TRUE(all_close(parameters[i].second.grad(), sums[i], 1e-4, 1e-5)) << parameters[i].first;
    }
    const Tensor& row = gradients.row();
    const std::string checksum = std::to_string(crc32c(
        {static_cast<const std::byte*>(row.data_ptr()), static_cast<std::size_t>(row.numel() * row.element_size())}));
    for (const std::string& other : group.gather_texts(checksum, "checksums")) {
      EXPECT_EQ(other, checksum) << "the same bits everywhere";
    }
  }
}

}  // namespace

/// One of the processes of the test below, which starts it.
TEST(GradientReductionProcess, DISABLED_AddsUp) {
  const std::unique_ptr<ProcessGroup> group = join_processes(process_place(), {});
  expect_sums(*group, 64);       // a bucket for almost each parameter
  expect_sums(*group, 1 << 20);  // one for all
}

TEST(GradientReduction, AddsUpTheGradientsOfProcesses) {
  if (!has_backend(ProcessBackend::automatic)) GTEST_SKIP() << "this LibTorch works in one process only";
  const std::string port = unused_port();
  std::vector<pid_t> started;
  for (int rank = 0; rank < processes; ++rank) {
    started.push_back(fork());
    if (started.back() != 0) continue;
    setenv("RANK", std::to_string(rank).c_str(), 1);
    setenv("WORLD_SIZE", std::to_string(processes).c_str(), 1);
    setenv("MASTER_ADDR", "127.0.0.1", 1);
    setenv("MASTER_PORT", port.c_str(), 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    execl("/proc/self/exe", "test", "--gtest_also_run_disabled_tests", "--gtest_filter=GradientReductionProcess.*",
          "--gtest_brief=1", nullptr);
    _exit(99);
  }
  for (const pid_t process : started) {
    int status = 0;
    waitpid(process, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

}  // namespace iddpm::test
