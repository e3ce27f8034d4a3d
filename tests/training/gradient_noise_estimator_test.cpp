#include "iddpm/training/gradient_noise_estimator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "iddpm/core/random_stream.h"
#include "iddpm/training/gradient_noise_scale.h"
#include "tests/expect_error.h"

namespace iddpm {
namespace {

// The loss |theta - x|^2 / 2 with x normal: G = theta - E[x], Sigma the covariance of x.
struct QuadraticToy {
  Tensor gradient = at::linspace(-0.5, 1.0, 12);
  Tensor deviations = at::linspace(0.1, 2.0, 12);

  double squared_gradient() const { return gradient.square().sum().item<double>(); }
  double covariance_trace() const { return deviations.square().sum().item<double>(); }

  GradientNoiseScale estimate(std::int64_t batches, std::int64_t batch, std::uint64_t seed) const {
    GradientNoiseEstimator estimator(batches, batch);
    for (std::int64_t k = 0; k < batches; ++k) {
      std::vector<RandomStream> streams;
      for (std::int64_t i = 0; i < batch; ++i) {
        streams.emplace_back(seed, StreamPurpose::training_noise, static_cast<std::uint64_t>(k * batch + i));
      }
      estimator.add((gradient - deviations * normal_per_image(streams, {12})).mean(0));
    }
    return estimator.estimate();
  }
};

TEST(GradientNoise, FollowsFromExpectedNorms) {
  // |G|^2 = 4 and tr(Sigma) = 12: a mean over b examples has the squared norm 4 + 12 / b.
  const GradientNoiseScale noise = gradient_noise_from_norms(
      {.small_batch = 2, .small_squared_norm = 4 + 12.0 / 2, .big_batch = 6, .big_squared_norm = 4 + 12.0 / 6});
  EXPECT_NEAR(noise.squared_gradient, 4.0, 1e-12);
  EXPECT_NEAR(noise.covariance_trace, 12.0, 1e-12);
  EXPECT_NEAR(noise.noise_scale, 3.0, 1e-12);
}

TEST(GradientNoise, OfAQuadraticLossIsWhatItMustBe) {
  const QuadraticToy toy;
  const GradientNoiseScale noise = toy.estimate(200, 8, 1);
  EXPECT_NEAR(noise.squared_gradient, toy.squared_gradient(), 4.0 * noise.squared_gradient_error);
  EXPECT_NEAR(noise.covariance_trace, toy.covariance_trace(), 4.0 * noise.covariance_trace_error);
  EXPECT_NEAR(noise.noise_scale, toy.covariance_trace() / toy.squared_gradient(), 4.0 * noise.noise_scale_error);
  EXPECT_LT(noise.squared_gradient_error, 0.2 * noise.squared_gradient);
  EXPECT_LT(noise.covariance_trace_error, 0.1 * noise.covariance_trace);
  EXPECT_EQ(noise.batches, 200);
  EXPECT_EQ(noise.batch, 8);
}

TEST(GradientNoise, IsUnbiasedWithErrorsLikeTheTrueSpread) {
  const QuadraticToy toy;
  constexpr int repeats = 200;
  double gradients = 0, gradient_squares = 0, traces = 0, errors = 0;
  for (int i = 0; i < repeats; ++i) {
    const GradientNoiseScale noise = toy.estimate(16, 4, static_cast<std::uint64_t>(i));
    gradients += noise.squared_gradient / repeats;
    gradient_squares += noise.squared_gradient * noise.squared_gradient / repeats;
    traces += noise.covariance_trace / repeats;
    errors += noise.squared_gradient_error / repeats;
  }
  const double spread = std::sqrt(gradient_squares - gradients * gradients);
  EXPECT_NEAR(gradients, toy.squared_gradient(), 4.0 * spread / std::sqrt(repeats));
  EXPECT_NEAR(traces / toy.covariance_trace(), 1.0, 0.05);
  EXPECT_NEAR(errors / spread, 1.0, 0.3);
}

TEST(GradientNoise, FindsNoGradientAtAMinimum) {
  QuadraticToy toy;
  toy.gradient = at::zeros({12});
  double mean = 0;
  bool some_negative = false;
  for (int i = 0; i < 50; ++i) {
    const double estimate = toy.estimate(16, 4, static_cast<std::uint64_t>(i)).squared_gradient;
    mean += estimate / 50;
    some_negative = some_negative || estimate < 0;
  }
  EXPECT_NEAR(mean, 0.0, 0.1);
  EXPECT_TRUE(some_negative);
}

// The loss L_t = c_t theta has the gradient c_t: with p_t proportional to sqrt(E[L_t^2]), c_t / (T p_t) is constant.
TEST(GradientNoise, VanishesUnderImportanceSamplingAtItsOptimum) {
  constexpr std::int64_t steps = 50, batches = 32, batch = 8;
  std::vector<double> moments;
  const Tensor slopes = at::empty({steps}, at::kDouble);
  for (std::int64_t t = 0; t < steps; ++t) {
    const double slope = 10.0 * std::pow(0.8, static_cast<double>(t)) + 0.1;
    slopes.data_ptr<double>()[t] = slope;
    moments.push_back(slope * slope);
  }
  const auto noise_with = [&](const TimestepSampler& sampler) {
    GradientNoiseEstimator estimator(batches, batch);
    RandomStream stream(1, StreamPurpose::training_timesteps);
    for (std::int64_t k = 0; k < batches; ++k) {
      const SampledTimesteps sampled = sampler.sample(batch, stream);
      estimator.add((slopes.index_select(0, sampled.t.on(at::kCPU)) * sampled.weight).mean().reshape({1}));
    }
    return estimator.estimate();
  };
  const GradientNoiseScale uniform = noise_with(UniformTimesteps(steps));
  const GradientNoiseScale importance = noise_with(importance_timesteps(moments));
  const double trace = slopes.var(0, /*unbiased=*/false).item<double>(), gradient = slopes.mean().item<double>();
  EXPECT_NEAR(uniform.covariance_trace, trace, 4.0 * uniform.covariance_trace_error);
  EXPECT_LT(importance.covariance_trace, 1e-3 * trace);
  EXPECT_NEAR(importance.squared_gradient, gradient * gradient, 0.01 * gradient * gradient);
}

TEST(ImportanceTimesteps, FromSecondMomentsAreProportionalToTheirRoots) {
  const std::vector<double> p = importance_timesteps(std::vector<double>{1.0, 4.0, 9.0, 4.0}).probabilities();
  EXPECT_NEAR(p[2] / p[0], 3.0, 0.02);  // a little is uniform
  EXPECT_NEAR(p[1] / p[0], 2.0, 0.02);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-12);
  expect_error([] { importance_timesteps({}); }, {"at least 1 step"});
  expect_error([] { importance_timesteps(std::vector<double>{1.0, -2.0}); }, {"-2", "t = 1"});
}

TEST(GradientNoise, RefusesWhatItCannotUse) {
  expect_error([] { GradientNoiseEstimator(1, 4); }, {"at least 2 batches"});
  expect_error([] { GradientNoiseEstimator(2, 0); }, {"at least 1 example"});
  expect_error([] { gradient_noise_from_norms({.small_batch = 4, .big_batch = 4}); }, {"got 4 and 4"});
  GradientNoiseEstimator estimator(2, 1);
  estimator.add(at::ones({3}));
  expect_error([&] { estimator.estimate(); }, {"expected 2", "got 1"});
  expect_error([&] { estimator.add(at::ones({4})); }, {"3 numbers", "got 4"});
  expect_error([&] { estimator.add(at::ones({3, 1})); }, {"[3, 1]"});
  expect_error([&] { estimator.add(at::full({3}, std::nan(""))); }, {"finite", "batch 1"});
  estimator.add(at::ones({3}));
  EXPECT_NEAR(estimator.estimate().squared_gradient, 3.0, 1e-12);
  expect_error([&] { estimator.add(at::ones({3})); }, {"one more"});
}

}  // namespace
}  // namespace iddpm
