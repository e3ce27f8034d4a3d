#include "iddpm/kernels/operation_timer.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <string>

#include "iddpm/kernels/operations.h"
#include "iddpm/kernels/optimizer_step.h"

namespace iddpm::kernels {
namespace {

std::int64_t calls(OperationTimer& timer, Operation operation) {
  return timer.times()[static_cast<std::size_t>(operation)].calls;
}

double seconds(OperationTimer& timer, Operation operation) {
  return timer.times()[static_cast<std::size_t>(operation)].seconds;
}

TEST(OperationTimer, CountsForwardAndBackwardOperations) {
  const Tensor x = at::randn({2, 32, 8, 8}).requires_grad_(true),
               weight = at::randn({32, 32, 3, 3}).requires_grad_(true);
  const Tensor scale = at::ones({32}), offset = at::zeros({32});
  OperationTimer timer;
  const Tensor y = convolution(group_norm_silu(x, 32, scale, offset), weight, {}, {.stride = 2, .padding = 1});
  EXPECT_EQ(calls(timer, Operation::group_norm), 1);
  EXPECT_EQ(calls(timer, Operation::direct_convolution), 1);
  EXPECT_EQ(calls(timer, Operation::group_norm_backward), 0);
  y.sum().backward();
  EXPECT_EQ(calls(timer, Operation::group_norm_backward), 1);
  EXPECT_EQ(calls(timer, Operation::direct_convolution_backward_data), 1);
  EXPECT_EQ(calls(timer, Operation::direct_convolution_backward_weights), 1);
  EXPECT_EQ(calls(timer, Operation::winograd_convolution), 0);
  EXPECT_GT(seconds(timer, Operation::direct_convolution), 0);
}

TEST(OperationTimer, CountsTheOptimizer) {
  Tensor parameter = at::ones({8}), first = at::zeros({8}), second = at::zeros({8});
  OperationTimer timer;
  adamw_step(parameter, at::ones({8}), first, second, {}, {});
  EXPECT_EQ(calls(timer, Operation::optimizer_step), 1);
}

TEST(OperationTimer, ChargesEveryMomentToTheInnermostOperation) {
  const auto start = std::chrono::steady_clock::now();
  OperationTimer timer;
  {
    const TimedOperation outer(Operation::attention);
    const TimedOperation inner(Operation::linear);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  const OperationTimer::Times times = timer.times();
  const double age = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_GE(seconds(timer, Operation::linear), 5e-3);
  const double total = std::accumulate(times.begin(), times.end(), 0.0,
                                       [](double sum, const OperationTime& time) { return sum + time.seconds; });
  EXPECT_LE(total, age);
}

TEST(OperationTimer, MeasuresOnlyWhileItLivesAndTheInnermostAlone) {
  const Tensor x = at::ones({2, 4});
  OperationTimer outer;
  kernels::silu(x);
  {
    OperationTimer inner;
    kernels::silu(x);
    EXPECT_EQ(calls(inner, Operation::silu), 1);
  }
  kernels::silu(x);
  EXPECT_EQ(calls(outer, Operation::silu), 2);
}

TEST(OperationTimer, NamesEveryOperationDifferently) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Operation::count); ++i) {
    names.insert(name_of(static_cast<Operation>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Operation::count));
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace iddpm::kernels
