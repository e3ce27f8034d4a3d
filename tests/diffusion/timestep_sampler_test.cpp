#include "iddpm/diffusion/timestep_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

std::vector<RandomStream> streams(std::int64_t first, std::int64_t count) {
  std::vector<RandomStream> result;
  for (std::int64_t i = first; i < first + count; ++i) result.emplace_back(1, StreamPurpose::training_timesteps, i);
  return result;
}

Tensor all_timesteps(std::int64_t steps) { return at::arange(steps, at::kLong); }

// A sampler that has seen losses[t] at each t as often as it remembers.
ImportanceTimesteps warm_sampler(const Tensor& losses, ImportanceTimestepsOptions options = {}) {
  ImportanceTimesteps timesteps(losses.size(0), options);
  for (std::int64_t i = 0; i < options.history; ++i) timesteps.record(all_timesteps(losses.size(0)), losses);
  return timesteps;
}

TEST(UniformTimesteps, HaveUnitWeights) {
  const UniformTimesteps timesteps(37);
  RandomStream stream(1, StreamPurpose::training_timesteps);
  const SampledTimesteps sampled = timesteps.sample(500, stream);
  EXPECT_TRUE(at::equal(sampled.weight, at::ones({500})));
  EXPECT_TRUE(sampled.t.contain(0) && sampled.t.contain(36));
  EXPECT_NO_THROW(check_timesteps(sampled.t, 37));
  EXPECT_TRUE(timesteps.state().empty());
  UniformTimesteps resumed(37);
  expect_error([&] { resumed.restore(std::vector<double>{1.0}); }, {"empty state", "1 numbers"});
  expect_error([] { UniformTimesteps(0); }, {"got 0"});
}

TEST(TimestepSampler, GivesAnImageItsTimestepWhateverTheBatch) {
  const ImportanceTimesteps timesteps = warm_sampler(at::rand({20}) + 0.1);
  std::vector<RandomStream> all = streams(0, 8), first = streams(0, 3), rest = streams(3, 5);
  const SampledTimesteps together = timesteps.sample(all);
  const SampledTimesteps a = timesteps.sample(first), b = timesteps.sample(rest);
  EXPECT_EQ(together.t.rows(0, 3), a.t);
  EXPECT_EQ(together.t.rows(3, 5), b.t);
  EXPECT_TRUE(at::equal(together.weight, at::cat({a.weight, b.weight})));
}

TEST(TimestepSampler, DrawsAsOftenAsItsProbabilitiesSay) {
  const ImportanceTimesteps timesteps = warm_sampler(at::tensor({1.0, 2.0, 4.0, 1.0}, at::kDouble));
  RandomStream stream(1, StreamPurpose::training_timesteps);
  const SampledTimesteps sampled = timesteps.sample(20000, stream);
  const std::vector<double> p = timesteps.probabilities();
  for (std::int64_t t = 0; t < 4; ++t) {
    EXPECT_NEAR((sampled.t.on(at::kCPU) == t).sum().item<double>() / 20000.0, p[static_cast<std::size_t>(t)], 0.01);
  }
}

TEST(ImportanceTimesteps, WeighSoThatTheLossStaysUnbiased) {
  const Tensor losses = at::tensor({5.0, 1.0, 0.2, 0.1, 3.0}, at::kDouble);
  const ImportanceTimesteps timesteps = warm_sampler(losses);
  const std::vector<double> p = timesteps.probabilities();
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-12);
  // The weight of each t as it is given out, from samples that hold every t.
  RandomStream stream(2, StreamPurpose::training_timesteps);
  const SampledTimesteps sampled = timesteps.sample(2000, stream);
  double expectation = 0.0;
  for (std::int64_t t = 0; t < 5; ++t) {
    const Tensor weights = sampled.weight.masked_select(sampled.t.on(at::kCPU) == t);
    ASSERT_GT(weights.size(0), 0);
    expectation += p[static_cast<std::size_t>(t)] * weights[0].item<double>() * losses[t].item<double>();
  }
  EXPECT_NEAR(expectation, losses.mean().item<double>(), 1e-6);
}

TEST(ImportanceTimesteps, FollowTheSecondMomentOfTheLoss) {
  const ImportanceTimesteps timesteps =
      warm_sampler(at::tensor({3.0, 1.0}, at::kDouble), {.history = 2, .uniform_probability = 0.0});
  EXPECT_NEAR(timesteps.probabilities()[0], 0.75, 1e-12);
  ImportanceTimesteps mixed(2, {.history = 2, .uniform_probability = 0.1});
  mixed.record(at::tensor({0, 0, 1, 1}, at::kLong), at::tensor({1.0, 7.0, 5.0, 5.0}, at::kDouble));
  EXPECT_NEAR(mixed.probabilities()[0], 0.5 * 0.9 + 0.05, 1e-12);  // sqrt((1 + 49) / 2) = 5
}

TEST(ImportanceTimesteps, AreUniformUntilEveryHistoryIsFull) {
  ImportanceTimesteps timesteps(2, {.history = 2});
  timesteps.record(at::tensor({0, 0, 0, 1}, at::kLong), at::tensor({9.0, 9.0, 9.0, 1.0}));
  EXPECT_EQ(timesteps.probabilities(), (std::vector<double>{0.5, 0.5}));
  timesteps.record(at::tensor({1}, at::kLong), at::tensor({1.0}));
  EXPECT_GT(timesteps.probabilities()[0], 0.8);
}

TEST(ImportanceTimesteps, ForgetTheOldestLoss) {
  ImportanceTimesteps timesteps(2, {.history = 2, .uniform_probability = 0.0});
  timesteps.record(at::tensor({0, 0, 0, 1, 1}, at::kLong), at::tensor({100.0, 1.0, 1.0, 1.0, 1.0}, at::kDouble));
  EXPECT_NEAR(timesteps.probabilities()[0], 0.5, 1e-12);
}

TEST(ImportanceTimesteps, AreUniformWhereAllLossesAreZero) {
  EXPECT_EQ(warm_sampler(at::zeros({4})).probabilities(), std::vector<double>(4, 0.25));
}

TEST(ImportanceTimesteps, NeverForgetATimestepWithoutLoss) {
  const std::vector<double> p = warm_sampler(at::tensor({1.0, 0.0}, at::kDouble)).probabilities();
  EXPECT_NEAR(p[1], 0.0005, 1e-12);
}

TEST(ImportanceTimesteps, ResumeExactly) {
  ImportanceTimesteps original(6, {.history = 3});
  RandomStream stream(3, StreamPurpose::training_timesteps);
  const auto train = [](ImportanceTimesteps& timesteps, RandomStream& from, int updates) {
    for (int i = 0; i < updates; ++i) {
      const SampledTimesteps sampled = timesteps.sample(8, from);
      timesteps.record(sampled.t, at::rsqrt(sampled.t.on(at::kCPU).to(at::kDouble) + 0.3 + 0.01 * i));
    }
  };
  for (int updates : {2, 20}) {  // before and after it is warm
    train(original, stream, updates);
    ImportanceTimesteps resumed(6, {.history = 3});
    resumed.restore(original.state());
    EXPECT_EQ(resumed.state(), original.state());
    EXPECT_EQ(resumed.probabilities(), original.probabilities());
    RandomStream copy = stream;
    train(original, stream, 5);
    train(resumed, copy, 5);
    EXPECT_EQ(resumed.state(), original.state());
  }
}

TEST(ImportanceTimesteps, RefuseAStateThatIsNotTheirs) {
  ImportanceTimesteps timesteps(2, {.history = 2});
  const auto restore = [&](std::vector<double> state) { return [&timesteps, state] { timesteps.restore(state); }; };
  expect_error(restore({}), {"6 numbers", "got 0"});
  expect_error(restore(std::vector<double>(7)), {"6 numbers", "got 7"});
  expect_error(restore({3.0, 0.0, 0.0, 0.0, 0.0, 0.0}), {"0 to 2", "got 3"});
  expect_error(restore({0.5, 0.0, 0.0, 0.0, 0.0, 0.0}), {"got 0.5"});
  expect_error(restore({-1.0, 0.0, 0.0, 0.0, 0.0, 0.0}), {"got -1"});
  expect_error(restore({1.0, 0.0, std::numeric_limits<double>::infinity(), 0.0, 0.0, 0.0}), {"inf"});
  EXPECT_EQ(timesteps.state(), std::vector<double>(6));
}

TEST(ImportanceTimesteps, RefuseLossesThatDontFit) {
  ImportanceTimesteps timesteps(2, {.history = 2});
  const Tensor t = at::tensor({0, 1}, at::kLong);
  expect_error([&] { timesteps.record(t, at::tensor({1.0, std::nan("")})); }, {"finite", "nan", "t = 1"});
  expect_error([&] { timesteps.record(t, at::tensor({1.0})); }, {"2 timesteps", "[1]"});
  expect_error([&] { timesteps.record(at::tensor({0, 2}, at::kLong), at::tensor({1.0, 1.0})); }, {"0 to 1", "got 2"});
  EXPECT_EQ(timesteps.state(), std::vector<double>(6));
  expect_error([] { ImportanceTimesteps(0); }, {"got 0"});
  expect_error([] { ImportanceTimesteps(4, {.history = 0}); }, {"got 0"});
  expect_error([] { ImportanceTimesteps(4, {.uniform_probability = 1.5}); }, {"1.5"});
}

TEST(ImportanceTimesteps, OfOneStepAlwaysChooseIt) {
  const ImportanceTimesteps timesteps = warm_sampler(at::tensor({2.0}));
  RandomStream stream(1, StreamPurpose::training_timesteps);
  const SampledTimesteps sampled = timesteps.sample(4, stream);
  EXPECT_EQ(sampled.t, Timesteps::repeated(0, 4));
  EXPECT_TRUE(at::equal(sampled.weight, at::ones({4})));
}

}  // namespace
}  // namespace iddpm
