#include "iddpm/evaluation/judge.h"

#include <gtest/gtest.h>

#include "iddpm/evaluation/likelihood/likelihood.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/evaluation/model_record.h"
#include "iddpm/io/pixels.h"
#include "tests/evaluation/pixel_features.h"
#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

// A model of 4 x 4 grey images with fresh weights, in a file.
std::filesystem::path write_fresh_model(const TemporaryFolder& folder) {
  ModelSettings settings{.network = {.image_height = 4,
                                     .image_width = 4,
                                     .image_channels = 1,
                                     .channels = 32,
                                     .residual_blocks = 1,
                                     .channel_multipliers = {1},
                                     .attention_resolutions = {},
                                     .predict_variance = true},
                         .diffusion = {.schedule = "cosine", .steps = 5}};
  const UNet network(settings.network);
  settings.network = network.options();
  save_checkpoint(folder / "fresh.safetensors", {.settings = settings, .step = 3}, {.raw = network.parameters()});
  return folder / "fresh.safetensors";
}

}  // namespace

TEST(Judge, FeaturesOfSamplesAreThoseOfTheImagesDrawn) {
  const TemporaryFolder folder;
  const Model model = Model::open(write_fresh_model(folder), {.precision = Precision::float32});
  const DrawRequest request{.count = 5, .seed = 3, .steps = "2", .batch = 2};
  std::int64_t told = 0;
  const FeatureSet drawn = sample_features(PixelFeatures(), model, request, "samples",
                                           [&](std::int64_t done, std::int64_t) { told = done; });
  const Tensor pixels = to_pixels(draw_at_once(model, request));
  const auto images = in_memory_dataset({.images = pixels, .labels = {}, .class_names = {}, .source = "images"});
  const FeatureSet stored = pixel_feature_set(*images, {.batch = 2});
  EXPECT_EQ(drawn.images.sha256, stored.images.sha256);
  EXPECT_EQ(drawn.images.image_shape, stored.images.image_shape);
  EXPECT_TRUE(at::equal(drawn.features, stored.features));
  EXPECT_EQ(drawn.pixels, stored.pixels);
  EXPECT_EQ(told, 10);
}

TEST(Judge, ComparesWithAReferenceAndTellsOfTheStages) {
  const auto reference = random_dataset(30, 1), other = random_dataset(30, 2);
  std::vector<std::string> stages;
  const SampleQuality quality =
      compare_with_reference(pixel_feature_set(*reference), pixel_feature_set(*other), {3}, {}, {},
                             [&](std::string_view stage, std::int64_t, std::int64_t) { stages.emplace_back(stage); });
  EXPECT_FALSE(stages.empty());
  EXPECT_GT(quality.metrics.frechet_distance, 0.0);
  EXPECT_EQ(quality.result.figures[pixels_key]["data"]["of"], "reference images");
  EXPECT_EQ(quality.result.protocol.neighbours, std::vector<std::int64_t>{3});
}

TEST(Judge, RefusesAReferenceOfOtherImages) {
  const TemporaryFolder folder;
  const PixelFeatures features;
  save_reference_statistics(folder / "reference.safetensors", pixel_feature_set(*random_dataset(10, 1)));
  const ReferenceOptions options{.path = folder / "reference.safetensors"};
  EXPECT_EQ(open_reference(options, {1, 4, 4}, features.space(), "pixels").source(), options.path.string());
  expect_error([&] { open_reference(options, {1, 8, 8}, features.space(), "pixels"); }, {"[1, 8, 8]", "[1, 4, 4]"});
  expect_error([&] { open_reference(options, {1, 4, 4}, PixelFeatures(2).space(), "pixels"); }, {"SHA-256", "pixels"});
  ReferenceOptions part = options;
  part.count = 5;
  expect_error([&] { open_reference(part, {1, 4, 4}, features.space(), "pixels"); }, {"10 images", "5 were"});
}

TEST(Likelihood, OfAModelIsThatOfItsProcessAndSaysHowItWasMeasured) {
  const TemporaryFolder folder;
  const Model model = Model::open(write_fresh_model(folder), {.precision = Precision::float32});
  const auto dataset = random_dataset(6, 4);
  const Likelihood likelihood = measure_likelihood(model, *dataset, {.steps = "2,1", .count = 4, .seed = 9});
  const ReverseProcess process = model.reverse_process().respaced("2,1");
  const BitsPerDimension bits =
      bits_per_dimension(process.q(), model.denoiser_of(process), *dataset, {.count = 4, .seed = 9});
  EXPECT_EQ(likelihood.bits.total, bits.total);
  const EvaluationResult result = likelihood_result(likelihood, "random");
  EXPECT_EQ(result.figures["steps"], 3);
  EXPECT_EQ(result.figures["original_steps"], 5);
  ASSERT_TRUE(result.protocol.model.has_value());
  EXPECT_EQ(result.protocol.model->precision, "float32");
  EXPECT_EQ(result.protocol.model->device, "cpu");
  EXPECT_EQ(result.protocol.model->sampler, "respacing 2,1");
  EXPECT_EQ(result.protocol.model->weights, "raw");
}

TEST(ModelRecord, OfSamplesNamesSamplerStartAndSpacing) {
  const TemporaryFolder folder;
  const Model model = Model::open(write_fresh_model(folder));
  const ModelRecord record =
      model_record(model, {.count = 2, .seed = 8, .sampler = "ddim", .steps = "trailing3"}, "data");
  EXPECT_EQ(record.sampler, "ddim eta 0, start data, respacing trailing3");
  EXPECT_EQ(record.steps, 3);
  EXPECT_EQ(record.original_steps, 5);
  EXPECT_EQ(record.evaluations, 3);
  EXPECT_EQ(record.seed, 8u);
}

}  // namespace iddpm
