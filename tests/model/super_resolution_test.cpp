// Models that enlarge images: what they are shown, and drawing from them.

#include <algorithm>

#include "iddpm/model/draw.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/training/training_step.h"
#include "tests/random_images.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

ModelSettings enlarging_settings(double noise = 0.0, bool varies = false) {
  ModelSettings settings = tiny_model();
  settings.network.classes = 0;
  settings.class_names.clear();
  settings.network.super_resolution = true;
  settings.network.low_resolution = 4;
  settings.network.low_resolution_noise = noise;
  settings.network.low_resolution_noise_varies = varies;
  return settings;
}

// One that has trained a little: a new network's last convolution is zero, whatever it is shown.
Model enlarger(double noise = 0.0, bool varies = false) {
  Trainer trainer(enlarging_settings(noise, varies), tiny_training());
  train_steps(trainer, 3);
  return Model({.settings = trainer.settings()}, trainer.network(), Precision::float32);
}

Tensor small_images(std::int64_t count) { return random_images({count, 1, 4, 4}, 21); }

DrawRequest enlarging_request() { return {.count = 6, .low_resolution = small_images(4), .batch = 6}; }

}  // namespace

TEST(LowResolution, IsTheMeanOfAreas) {
  Tensor image = at::zeros({1, 1, 8, 8});
  image[0][0][0][0] = 1.0;
  image[0][0][1][1] = 1.0;
  const Tensor small = low_resolution_of(image, enlarging_settings().network);
  EXPECT_EQ(small.sizes(), at::IntArrayRef({1, 1, 4, 4}));
  EXPECT_FLOAT_EQ(small[0][0][0][0].item<float>(), 0.5F);
  EXPECT_FLOAT_EQ(small.sum().item<float>(), 0.5F);
}

TEST(LowResolution, HasTheRatioOfTheImagesSides) {
  UNetOptions network = enlarging_settings().network;
  network.image_width = 16;
  EXPECT_EQ(low_resolution_shape(resolved(network)), (std::vector<std::int64_t>{1, 4, 8}));
  network.low_resolution = 3;
  EXPECT_TRUE(contains(error_of([&] { resolved(network); }), "low_resolution is 3"));
  network.low_resolution = 8;
  EXPECT_TRUE(contains(error_of([&] { resolved(network); }), "low_resolution is 8"));
  network.super_resolution = false;
  EXPECT_TRUE(contains(error_of([&] { resolved(network); }), "no super-resolution"));
  network.low_resolution = 0;
  EXPECT_TRUE(contains(error_of([&] { low_resolution_shape(network); }), "doesn't"));
  network.super_resolution = true;
  EXPECT_TRUE(contains(error_of([&] { low_resolution_shape(network); }), "from which size"));
}

TEST(LowResolution, HasTheNoiseOfItsModelEachImageItsOwn) {
  const UNetOptions network = enlarging_settings(0.25).network;
  const auto noisy = [&](std::uint64_t first, std::int64_t count) {
    std::vector<RandomStream> streams;
    for (std::int64_t i = 0; i < count; ++i) streams.emplace_back(3, StreamPurpose::low_resolution, first + i);
    const ShownLowResolution shown = shown_in_training(at::zeros({count, 1, 4, 4}), network, std::move(streams));
    EXPECT_FALSE(shown.noise.defined());
    return shown.images;
  };
  EXPECT_NEAR(noisy(0, 500).std().item<double>(), 0.25, 0.01);
  EXPECT_TRUE(at::equal(noisy(0, 3)[2], noisy(2, 1)[0]));
}

TEST(LowResolution, HasNoiseFromNoneToTheMostWhereItVaries) {
  const UNetOptions network = enlarging_settings(0.5, true).network;
  const auto shown = [&](std::uint64_t first, std::int64_t count) {
    std::vector<RandomStream> streams;
    for (std::int64_t i = 0; i < count; ++i) streams.emplace_back(3, StreamPurpose::low_resolution, first + i);
    return shown_in_training(at::zeros({count, 1, 4, 4}), network, std::move(streams));
  };
  const ShownLowResolution many = shown(0, 500);
  EXPECT_GE(many.noise.min().item<float>(), 0.0F);
  EXPECT_LT(many.noise.max().item<float>(), 0.5F);
  EXPECT_NEAR(many.noise.mean().item<double>(), 0.25, 0.03);
  EXPECT_NEAR((many.images / many.noise.view({-1, 1, 1, 1})).std().item<double>(), 1.0, 0.03) << "as much as is told";
  EXPECT_TRUE(at::equal(shown(2, 1).images[0], many.images[2]));
  const ShownLowResolution chosen = shown_with_noise(at::zeros({2, 1, 4, 4}), network, 0.0, {});
  EXPECT_EQ(chosen.images.abs().max().item<float>(), 0.0F);
  EXPECT_TRUE(at::equal(chosen.noise, at::zeros({2})));
}

TEST(LowResolution, HasTheNoiseThatIsAskedForWhereItVaries) {
  const UNetOptions varying = enlarging_settings(0.5, true).network, fixed = enlarging_settings(0.25).network;
  EXPECT_EQ(low_resolution_noise(varying), 0.0);
  EXPECT_EQ(low_resolution_noise(varying, 0.5), 0.5);
  EXPECT_EQ(low_resolution_noise(fixed), 0.25) << "as before";
  EXPECT_TRUE(contains(error_of([&] { low_resolution_noise(varying, 0.6); }), "0 to 0.5"));
  EXPECT_TRUE(contains(error_of([&] { low_resolution_noise(fixed, 0.25); }), "can't be chosen"));
}

TEST(SuperResolution, DrawsOtherwiseWithMoreNoiseOnWhatItEnlarges) {
  const Model model = enlarger(0.5, true);
  DrawRequest noisy = enlarging_request();
  noisy.low_resolution_noise = 0.5;
  EXPECT_FALSE(at::allclose(draw_at_once(model, noisy), draw_at_once(model, enlarging_request()), 1e-3, 1e-3));
  noisy.low_resolution_noise = 0.0;
  EXPECT_TRUE(at::equal(draw_at_once(model, noisy), draw_at_once(model, enlarging_request())));
}

TEST(SuperResolution, LearnsFromSmallerImagesMadeOfItsOwn) {
  const ModelSettings settings = enlarging_settings(0.25);
  Trainer trainer(settings, tiny_training());
  const Batch batch = next_batch(trainer);
  const StepDraws draws = draw(batch, tiny_training(), settings.network, UniformTimesteps(4), at::kCPU);
  ASSERT_EQ(draws.low_resolution.images.sizes(), at::IntArrayRef({6, 1, 4, 4}));
  const Tensor noise = draws.low_resolution.images - low_resolution_of(batch.x_0, settings.network);
  EXPECT_NEAR(noise.std().item<double>(), 0.25, 0.06);
  EXPECT_EQ(trainer.step(batch).step, 1);
  Trainer varying(enlarging_settings(0.25, true), tiny_training());
  const NamedParameters& parameters = varying.network().parameters();
  const auto told = std::find_if(parameters.begin(), parameters.end(), [](const auto& parameter) {
    return parameter.first == "low_resolution_noise_embed.0.weight";
  });
  ASSERT_NE(told, parameters.end());
  const Tensor before = told->second.detach().clone();
  train_steps(varying, 5);  // of which the first reach the convolutions that start as zeros
  EXPECT_FALSE(at::equal(told->second, before)) << "it learns from the noise that it is told";
}

TEST(SuperResolution, DrawsFromWhatItIsToEnlargeInTurn) {
  const Model model = enlarger(0.1);
  const Tensor whole = draw_at_once(model, enlarging_request());
  EXPECT_EQ(whole.sizes(), at::IntArrayRef({6, 1, 8, 8}));
  DrawRequest parts = enlarging_request();
  parts.batch = 4;
  EXPECT_TRUE(at::allclose(draw_at_once(model, parts), whole, 1e-4, 1e-4));
  DrawRequest alone = enlarging_request();
  alone.first = 5;
  alone.count = 1;
  EXPECT_TRUE(at::allclose(draw_at_once(model, alone)[0], whole[5], 1e-4, 1e-4)) << "number 5 is made of image 1";
  DrawRequest other = enlarging_request();
  other.low_resolution = -other.low_resolution;
  EXPECT_FALSE(at::allclose(draw_at_once(model, other), whole, 1e-3, 1e-3)) << "it looks at them";
}

TEST(SuperResolution, RefusesToDrawWithoutImagesThatFit) {
  const Model model = enlarger();
  const auto refused = [&](const Tensor& images) {
    return error_of([&] { drawn_timesteps(model, {.low_resolution = images}); });
  };
  EXPECT_EQ(refused(small_images(2)), "");
  EXPECT_TRUE(contains(refused({}), "expected some to enlarge"));
  EXPECT_TRUE(contains(refused(at::zeros({2, 1, 8, 8})), "[1, 4, 4]"));
  EXPECT_TRUE(contains(refused(at::zeros({0, 1, 4, 4})), "[1, 4, 4]"));
  const ModelSettings plain = tiny_model();
  const Model by_itself({.settings = plain}, UNet(plain.network), Precision::float32);
  EXPECT_TRUE(contains(error_of([&] { drawn_timesteps(by_itself, {.low_resolution = small_images(1)}); }),
                       "enlarges no images"));
}

}  // namespace iddpm
