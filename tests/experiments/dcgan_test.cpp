#include "experiments/baselines/dcgan/dcgan.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>

#include "iddpm/io/safetensors.h"
#include "tests/expect_error.h"
#include "tests/io/hostile_files.h"
#include "tests/random_images.h"

namespace iddpm::baselines {
namespace {

DcganOptions small(std::uint64_t seed = 1) {
  return {.image_height = 8, .image_width = 8, .latent = 4, .channels = 8, .learning_rate = 2e-3, .seed = seed};
}

// Images of nearly one value.
Tensor nearly_constant(double value, std::int64_t count, std::uint64_t seed) {
  return random_noise({count, 1, 8, 8}, seed) * 0.1 + value;
}

void train(Dcgan& model, int steps) {
  for (int i = 0; i < steps; ++i) {
    model.step(nearly_constant(0.5, 16, static_cast<std::uint64_t>(model.steps_done())));
  }
}

TEST(Dcgan, MakesImagesOfTheSizeAskedForWithinRange) {
  for (const auto& [height, width, channels] : {std::array<std::int64_t, 3>{28, 28, 1}, {16, 24, 3}, {32, 32, 3}}) {
    const DcganOptions options = {
        .image_height = height, .image_width = width, .image_channels = channels, .latent = 5, .channels = 4};
    Dcgan model(options);
    const DcganStep step = model.step(random_images({3, channels, height, width}, 1));
    EXPECT_TRUE(std::isfinite(step.discriminator_loss) && std::isfinite(step.generator_loss));
    const Tensor images = model.sample(2, 0);
    EXPECT_EQ(images.sizes(), (std::vector<std::int64_t>{2, channels, height, width}));
    EXPECT_LE(images.abs().max().item<double>(), 1.0);
    EXPECT_EQ(model.steps_done(), 1);
  }
}

TEST(Dcgan, CannotTellRealFromGeneratedAtFirst) {
  Dcgan model(small());
  const DcganStep step = model.step(random_images({32, 1, 8, 8}, 1) * 0.05);
  EXPECT_NEAR(step.discriminator_loss, 2.0 * std::numbers::ln2, 0.2);
}

TEST(Dcgan, CountsItsParameters) {
  const Dcgan model(small());
  // Projection 4 x 4 x 8 from 4, its scale and shift; one transposed convolution to one channel, its bias.
  EXPECT_EQ(model.generator_parameters(), 4 * 4 * 8 * 4 + 2 * 8 + 8 * 16 + 1);
  EXPECT_EQ(model.discriminator_parameters(), 8 * 16 + 8 + 8 * 4 * 4 + 1);
}

TEST(Dcgan, GivesTheSameSamplesForTheSameSeed) {
  Dcgan model(small());
  train(model, 3);
  const Tensor images = model.sample(70, 4);
  EXPECT_TRUE(at::equal(images, model.sample(70, 4)));
  EXPECT_FALSE(at::equal(images, model.sample(70, 5)));
  // However many are asked for.
  EXPECT_TRUE(at::allclose(images.narrow(0, 0, 3), model.sample(3, 4), 0.0, 1e-6));
  EXPECT_EQ(model.sample(0, 4).size(0), 0);
}

TEST(Dcgan, IsAFunctionOfItsSeed) {
  Dcgan a(small()), b(small()), other(small(2));
  for (Dcgan* model : {&a, &b, &other}) train(*model, 2);
  EXPECT_TRUE(at::equal(a.sample(4, 0), b.sample(4, 0)));
  EXPECT_FALSE(at::equal(a.sample(4, 0), other.sample(4, 0)));
}

TEST(Dcgan, LearnsTheMeanOfNearlyConstantImages) {
  Dcgan model(small());
  EXPECT_LT(std::abs(model.sample(64, 0).mean().item<double>()), 0.2);
  train(model, 200);
  EXPECT_NEAR(model.sample(64, 0).mean().item<double>(), 0.5, 0.15);
}

TEST(DcganFile, GoesOnBitForBitWhereItStopped) {
  const TemporaryFolder folder;
  Dcgan through(small());
  train(through, 3);
  through.save(folder / "model.safetensors");
  Dcgan resumed = Dcgan::load(folder / "model.safetensors");
  EXPECT_EQ(resumed.options(), through.options());
  EXPECT_EQ(resumed.steps_done(), 3);
  EXPECT_TRUE(at::equal(resumed.sample(4, 0), through.sample(4, 0)));
  train(through, 3);
  train(resumed, 3);
  EXPECT_TRUE(at::equal(resumed.sample(4, 0), through.sample(4, 0)));
  // Moments and raw weights too: the files are the same byte for byte.
  through.save(folder / "a.safetensors");
  resumed.save(folder / "b.safetensors");
  EXPECT_EQ(contents_of(folder / "a.safetensors"), contents_of(folder / "b.safetensors"));
}

TEST(DcganFile, KeepsTheTimeAndReadsItsFirstFormat) {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  Dcgan model(small());
  EXPECT_EQ(model.processor_seconds(), 0);
  model.set_processor_seconds(2.5);
  model.save(path);
  EXPECT_EQ(Dcgan::load(path).processor_seconds(), 2.5);

  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  auto metadata = file.metadata();
  std::string& text = metadata.begin()->second;
  for (const auto& [now, then] : {std::pair<std::string, std::string>{"\"format\":2", "\"format\":1"},
                                  {"\"average_rate\":0.995,", ""},
                                  {"\"processor_seconds\":2.5,", ""}}) {
    ASSERT_NE(text.find(now), std::string::npos) << text;
    text.replace(text.find(now), now.size(), then);
  }
  write_safetensors(path, tensors, metadata);
  EXPECT_EQ(Dcgan::load(path).options(), model.options());
  EXPECT_EQ(Dcgan::load(path).processor_seconds(), 0);
}

TEST(Dcgan, ASlowerAverageStaysNearerToTheBeginning) {
  DcganOptions fast = small(), slow = small();
  fast.average_rate = 0.5;
  slow.average_rate = 0.99;
  const Tensor first = Dcgan(fast).sample(16, 0);
  const auto moved = [&](const DcganOptions& options) {
    Dcgan model(options);
    train(model, 20);
    return (model.sample(16, 0) - first).abs().mean().item<double>();
  };
  EXPECT_LT(moved(slow), moved(fast));
}

TEST(DcganFile, RefusesWhatIsNoneOfItsOwn) {
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  const auto load = [&] { Dcgan::load(path); };
  expect_error(load, {"model.safetensors"});
  write_safetensors(path, {{"x", at::zeros({2})}});
  expect_error(load, {"model.safetensors", "no DCGAN"});

  Dcgan(small()).save(path);
  const SafetensorsFile whole(path);
  NamedTensors tensors;
  for (const std::string& name : whole.names()) tensors.emplace_back(name, whole.tensor(name));
  const auto metadata = whole.metadata();

  NamedTensors fewer(tensors.begin(), tensors.end() - 1);
  write_safetensors(path, fewer, metadata);
  expect_error(load, {"model.safetensors", "got none"});

  NamedTensors more = tensors;
  more.emplace_back("stranger", at::zeros({1}));
  write_safetensors(path, more, metadata);
  expect_error(load, {"model.safetensors", "tensors"});

  // A size that no memory holds is refused before any is taken.
  auto huge = metadata;
  std::string& text = huge.begin()->second;
  const std::string channels = "\"channels\":8";
  text.replace(text.find(channels), channels.size(), "\"channels\":1024");
  write_safetensors(path, tensors, huge);
  expect_error(load, {"model.safetensors", "of shape"});
}

TEST(Dcgan, NamesTheOptionThatIsOutOfRange) {
  const auto with = [](auto change) {
    return [change] {
      DcganOptions options = small();
      change(options);
      Dcgan model(options);
    };
  };
  expect_error(with([](DcganOptions& options) { options.image_height = 30; }), {"divisible by 4", "30 x 8"});
  expect_error(with([](DcganOptions& options) { options.image_width = 4; }), {"image width", "got 4"});
  expect_error(with([](DcganOptions& options) { options.image_channels = 0; }), {"image channels", "got 0"});
  expect_error(with([](DcganOptions& options) { options.latent = 0; }), {"latent", "got 0"});
  expect_error(with([](DcganOptions& options) { options.channels = 5000; }), {"channels", "got 5000"});
  expect_error(with([](DcganOptions& options) { options.learning_rate = 0.0; }), {"learning rate", "got 0"});
  expect_error(with([](DcganOptions& options) { options.beta_1 = 1.0; }), {"beta_1", "got 1"});
  expect_error(with([](DcganOptions& options) { options.average_rate = 1.0; }), {"average", "got 1"});
}

TEST(Dcgan, RefusesImagesOfAnotherShapeAndLossesThatAreNotFinite) {
  Dcgan model(small());
  expect_error([&] { model.step(at::zeros({2, 1, 8, 12})); }, {"[1, 8, 8]", "[2, 1, 8, 12]"});
  expect_error([&] { model.step(at::zeros({1, 1, 8, 8})); }, {"at least 2 images"});
  expect_error([&] { model.step(at::full({2, 1, 8, 8}, std::nan(""))); }, {"discriminator", "step 1"});
  expect_error([&] { model.sample(-1, 0); }, {"got -1"});
}

}  // namespace
}  // namespace iddpm::baselines
