#include "iddpm/training/gradient_noise_scale.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

std::shared_ptr<const Dataset> some_images(std::int64_t size = 8) {
  return in_memory_dataset({.images = (random_images({20, 1, size, size}, 3) * 127.5 + 127.5).to(at::kByte),
                            .labels = at::arange(20, at::kLong) % 3,
                            .class_names = {"circle", "Square", "7"},
                            .source = "test"});
}

// A network that has trained a little, so that its last convolutions aren't zero.
UNet trained_network() {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 5);
  return trainer.network();
}

GradientNoiseOptions few_batches() { return {.batches = 6, .batch = 4, .seed = 1}; }

TEST(GradientNoiseScaleOfANetwork, IsAFunctionOfTheSeedAndLeavesTheNetworkAsItWas) {
  const UNet network = trained_network();
  const auto images = some_images();
  const Tensor first = network.parameters().front().second.detach().clone();
  const auto measure = [&](std::uint64_t seed) {
    GradientNoiseOptions options = few_batches();
    options.seed = seed;
    return gradient_noise_scale(network, tiny_model().diffusion, *images, options);
  };
  const GradientNoiseScale noise = measure(1);
  EXPECT_GT(noise.squared_gradient, 0.0);
  EXPECT_GT(noise.covariance_trace, 0.0);
  EXPECT_GT(noise.noise_scale_error, 0.0);
  EXPECT_EQ(measure(1).noise_scale, noise.noise_scale);
  EXPECT_NE(measure(2).noise_scale, noise.noise_scale);
  EXPECT_TRUE(at::equal(network.parameters().front().second, first));
  for (const auto& [name, parameter] : network.parameters()) EXPECT_FALSE(parameter.grad().defined()) << name;
}

TEST(GradientNoiseScaleOfANetwork, DoesNotChangeWithTheLossesScale) {
  const UNet network = trained_network();
  const auto images = some_images();
  const auto measure = [&](Objective objective) {
    GradientNoiseOptions options = few_batches();
    options.objective = objective;
    return gradient_noise_scale(network, tiny_model().diffusion, *images, options);
  };
  const GradientNoiseScale whole = measure(Objective::vlb), term = measure(Objective::vlb_unscaled);
  EXPECT_NEAR(whole.covariance_trace / term.covariance_trace, 16.0, 1e-3);  // T = 4, squared
  EXPECT_NEAR(whole.noise_scale / term.noise_scale, 1.0, 1e-3);
}

TEST(GradientNoiseScaleOfANetwork, SeesTheSameGradientUnderImportanceSampling) {
  const UNet network = trained_network();
  const auto images = some_images();
  GradientNoiseOptions options = {.batches = 24, .batch = 16, .seed = 1, .objective = Objective::vlb};
  const GradientNoiseScale uniform = gradient_noise_scale(network, tiny_model().diffusion, *images, options);
  options.timesteps = TimestepSampling::importance;
  std::int64_t done = 0, all = 0, calls = 0;
  const GradientNoiseScale importance = gradient_noise_scale(network, tiny_model().diffusion, *images, options,
                                                             [&](std::int64_t images_done, std::int64_t images_in_all) {
                                                               EXPECT_GT(images_done, done);
                                                               EXPECT_TRUE(all == 0 || all == images_in_all);
                                                               done = images_done;
                                                               all = images_in_all;
                                                               ++calls;
                                                             });
  EXPECT_EQ(all, 4 * 8 + 24 * 16);  // T = 4
  EXPECT_EQ(done, all);
  EXPECT_EQ(calls, 1 + 24);
  EXPECT_NEAR(importance.squared_gradient, uniform.squared_gradient,
              4.0 * std::hypot(uniform.squared_gradient_error, importance.squared_gradient_error));
}

TEST(SecondMoments, AreThoseOfTheLosses) {
  const UNet network = trained_network();
  const auto images = some_images();
  const DiffusionSettings diffusion = tiny_model().diffusion;
  const auto measure = [&](std::int64_t batch) {
    return loss_second_moments(network, diffusion, *images, Objective::hybrid,
                               {.timesteps = 0, .images = 300, .batch = batch, .seed = 1});
  };
  const std::vector<double> moments = measure(64);
  ASSERT_EQ(moments.size(), 4U);
  const std::vector<double> other_batches = measure(17);
  const at::NoGradGuard no_gradients;
  const Batch batch = read_batch(*images, 0, 20);
  const ReverseProcess p_theta = reverse_process(diffusion);
  const Network of_classes = conditioned(network, {.y = batch.y});
  for (std::int64_t t = 0; t < 4; ++t) {
    const auto place = static_cast<std::size_t>(t);
    double expected = 0;
    for (std::uint64_t draw = 0; draw < 15; ++draw) {
      const Tensor loss =
          hybrid_loss(p_theta, of_classes, batch.x_0, at::full({20}, t, at::kLong), random_noise({20, 1, 8, 8}, draw));
      expected += loss.square().mean().item<double>() / 15;
    }
    EXPECT_NEAR(moments[place] / expected, 1.0, 0.15) << t;
    EXPECT_NEAR(moments[place] / other_batches[place], 1.0, 1e-4) << t;
  }
}

TEST(SecondMoments, AreInterpolatedBetweenTheTimestepsMeasured) {
  const UNet network = trained_network();
  DiffusionSettings diffusion = tiny_model().diffusion;
  diffusion.steps = 300;
  const auto images = some_images();
  std::int64_t measured = 0;
  const std::vector<double> moments =
      loss_second_moments(network, diffusion, *images, Objective::vlb, {.timesteps = 12, .images = 2},
                          [&](std::int64_t done, std::int64_t) { measured = done; });
  EXPECT_EQ(moments.size(), 300U);
  EXPECT_LE(measured, 2 * 12);
  for (const double moment : moments) EXPECT_GT(moment, 0.0);
}

TEST(GradientNoiseScaleOfANetwork, NamesWhatDoesNotFit) {
  const UNet network = trained_network();
  const DiffusionSettings diffusion = tiny_model().diffusion;
  const auto images = some_images();
  const auto with = [&](GradientNoiseOptions options) {
    return [&, options] { gradient_noise_scale(network, diffusion, *images, options); };
  };
  expect_error(with({.batches = 1}), {"batches", "got 1"});
  expect_error(with({.batch = 0}), {"batch", "got 0"});
  expect_error(with({.timesteps = TimestepSampling::importance, .moments = {.images = 0}}), {"images", "got 0"});
  const auto larger = some_images(16);
  expect_error([&] { gradient_noise_scale(network, diffusion, *larger, few_batches()); }, {"[1, 8, 8]", "[1, 16, 16]"});
  const auto unlabelled = in_memory_dataset(
      {.images = at::zeros({3, 1, 8, 8}, at::kByte), .labels = {}, .class_names = {}, .source = "test"});
  expect_error([&] { gradient_noise_scale(network, diffusion, *unlabelled, few_batches()); }, {"3 classes"});
}

}  // namespace
}  // namespace iddpm
