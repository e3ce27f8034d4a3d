#include <gtest/gtest.h>

#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/dpm_solver.h"
#include "iddpm/samplers/guidance.h"
#include "iddpm/samplers/thresholding.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

const GaussianData conditioned = {.mean = 0.3, .deviation = 0.3};
const GaussianData unconditioned = {.mean = 0.0, .deviation = 0.5};

ForwardProcess forty_steps() {
  const NoiseSchedule schedule = cosine_schedule({.steps = 1000});
  return ForwardProcess(respaced_schedule(schedule, respaced_timesteps(schedule, "logsnr40")));
}

Denoiser asked(Denoiser denoiser, std::int64_t& times) {
  return [denoiser = std::move(denoiser), &times](const Tensor& x, const Tensor& t) {
    ++times;
    return denoiser(x, t);
  };
}

const SamplingOptions some_images = {.seeds = {1, 2, 3, 4}, .image_shape = {1, 16, 16}};

TEST(Guided, GoesFromTheGuideThroughTheDenoiserAsFarAsTheScaleSays) {
  const ForwardProcess q = forty_steps();
  const Tensor x = random_noise({2, 1, 3, 3}, 4);
  const Denoiser with = conditioned.denoiser(q), without = unconditioned.denoiser(q);
  const Tensor same = at::full({2}, 12, at::kLong);
  const Prediction a = with(x, same), b = without(x, same);
  const Prediction twice = guided(q, with, without, {.scale = 2.0})(x, same);
  EXPECT_TRUE(at::allclose(twice.x_0, 2.0 * a.x_0 - b.x_0, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(twice.mean, q.posterior(twice.x_0, x, same).mean, 1e-4, 1e-5)) << "the mean follows x_0";
  EXPECT_TRUE(at::equal(twice.variance, a.variance));
  EXPECT_TRUE(at::allclose(guided(q, with, without, {.scale = 0.0})(x, same).x_0, b.x_0, 1e-5, 1e-6));
}

TEST(Guided, WithAScaleOfOneNeverAsksTheGuide) {
  const ForwardProcess q = forty_steps();
  std::int64_t times = 0;
  const Denoiser plain = conditioned.denoiser(q);
  const Denoiser led = guided(q, plain, asked(unconditioned.denoiser(q), times), {.scale = 1.0});
  EXPECT_TRUE(at::equal(DdimSampler().run(q, led, some_images), DdimSampler().run(q, plain, some_images)));
  EXPECT_EQ(times, 0);
}

TEST(Guided, AsksTheGuideWithinTheIntervalOnly) {
  const ForwardProcess q = forty_steps();
  std::int64_t guide = 0, own = 0, expected = 0;
  for (const NoiseLevel& level : noise_levels(q.schedule())) {
    if (level.ratio() >= 0.3 && level.ratio() <= 2.0) ++expected;
  }
  const Denoiser led = guided(q, asked(conditioned.denoiser(q), own), asked(unconditioned.denoiser(q), guide),
                              {.scale = 3.0, .least = 0.3, .greatest = 2.0});
  DpmSolverSampler().run(q, led, some_images);
  EXPECT_EQ(own, 40);
  EXPECT_EQ(guide, expected);
  EXPECT_GT(guide, 0);
  EXPECT_LT(guide, 20);
}

TEST(Guided, LooksAtTheLevelOfEachImage) {
  const ForwardProcess q = forty_steps();
  const Tensor x = random_noise({2, 1, 3, 3}, 4), t = at::tensor({39, 0}, at::kLong);
  const GuidanceOptions noisy_only = {.scale = 3.0, .least = 1.0};
  // The toy's denoisers look at the first timestep; these at none.
  const Denoiser with = [](const Tensor& x_t, const Tensor&) {
    return Prediction{.mean = 0.5 * x_t, .variance = x_t, .log_variance = x_t, .x_0 = 0.5 * x_t};
  };
  const Denoiser without = [](const Tensor& x_t, const Tensor&) {
    return Prediction{.mean = 0.1 * x_t, .variance = x_t, .log_variance = x_t, .x_0 = 0.1 * x_t};
  };
  const Tensor x_0 = guided(q, with, without, noisy_only)(x, t).x_0;
  EXPECT_TRUE(at::allclose(x_0[0], 1.3 * x[0], 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(x_0[1], 0.5 * x[1], 1e-5, 1e-6));
}

TEST(Guided, LeadsSamplesFurtherFromTheGuide) {
  const ForwardProcess q = forty_steps();
  const Denoiser with = conditioned.denoiser(q), without = unconditioned.denoiser(q);
  const double plain = DpmSolverSampler().run(q, with, some_images).mean().item<double>();
  const double led =
      DpmSolverSampler().run(q, guided(q, with, without, {.scale = 2.0}), some_images).mean().item<double>();
  EXPECT_NEAR(plain, 0.3, 0.03);
  EXPECT_GT(led, plain + 0.1);
}

TEST(Guided, CanBeClippedAfterwards) {
  const ForwardProcess q = forty_steps();
  const Tensor x = 3.0 * random_noise({2, 1, 3, 3}, 4), t = at::full({2}, 3, at::kLong);
  const Denoiser led = guided(q, conditioned.denoiser(q), unconditioned.denoiser(q), {.scale = 4.0});
  const Prediction limited = clipped(q, led)(x, t);
  EXPECT_GT(led(x, t).x_0.abs().max().item<double>(), 1.0);
  EXPECT_EQ(limited.x_0.abs().max().item<double>(), 1.0);
  EXPECT_TRUE(at::equal(limited.mean, q.posterior(limited.x_0, x, t).mean));
}

TEST(Guided, RefusesOptionsOutOfRange) {
  const ForwardProcess q = forty_steps();
  const Denoiser d = conditioned.denoiser(q);
  expect_error([&] { guided(q, d, d, {.scale = -1.0}); }, {"scale of at least 0", "-1"});
  expect_error([&] { guided(q, d, d, {.least = 2.0, .greatest = 1.0}); }, {"2 to 1"});
}

}  // namespace
}  // namespace iddpm
