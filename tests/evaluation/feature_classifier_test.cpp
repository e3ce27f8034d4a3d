#include "iddpm/evaluation/features/feature_classifier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "iddpm/evaluation/features/feature_classifier_training.h"
#include "iddpm/evaluation/features/feature_network_file.h"
#include "iddpm/io/file_hash.h"
#include "tests/expect_error.h"
#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

fs::path temporary(const std::string& name) {
  return fs::temp_directory_path() / fmt::format("iddpm_classifier_{}_{}", ::getpid(), name);
}

// Stripes across (class 0) or down (class 1), two pixels wide, at random places and of random contrast, under noise.
std::shared_ptr<const Dataset> stripes(std::int64_t count, std::int64_t size, std::int64_t channels,
                                       std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  const Tensor phase = at::randint(0, 4, {count, 1, 1, 1}, generator);
  const Tensor contrast = at::randint(40, 100, {count, 1, 1, 1}, generator);
  const Tensor place = at::arange(size).view({1, 1, size, 1});
  const Tensor bright = ((place + phase).remainder(4) < 2).to(at::kFloat) * 2.0 - 1.0;
  Tensor images = (128.0 + contrast * bright).expand({count, channels, size, size}).clone();
  const Tensor labels = at::arange(count).remainder(2);
  for (std::int64_t i = 1; i < count; i += 2) images[i] = images[i].transpose(1, 2).clone();
  images += at::randn({count, channels, size, size}, generator) * 20.0;
  return in_memory_dataset({.images = images.clamp(0, 255).to(at::kByte),
                            .labels = labels,
                            .class_names = {"across", "down"},
                            .source = "stripes"});
}

FeatureClassifier some_classifier(std::uint64_t seed = 0, std::int64_t steps = 3) {
  return train_feature_classifier(*stripes(40, 8, 1, 1), nullptr,
                                  {.steps = steps, .batch = 8, .seed = seed, .channels = 8}, "stripes");
}

// The classifier's file with a part of its metadata or weights changed.
void write_changed(const fs::path& path, const std::string& from, const std::string& to,
                   const std::function<void(NamedTensors&)>& change = {}) {
  some_classifier().save(path);
  NamedTensors weights;
  std::map<std::string, std::string> metadata;
  {
    const SafetensorsFile file(path);
    for (const std::string& name : file.names()) weights.emplace_back(name, file.tensor(name));
    metadata = file.metadata();
  }
  std::string& about = metadata.begin()->second;
  const auto found = about.find(from);
  ASSERT_NE(found, std::string::npos) << from << " is not in " << about;
  about.replace(found, from.size(), to);
  if (change) change(weights);
  write_safetensors(path, weights, metadata);
}

TEST(FeatureClassifier, LearnsToTellStripes) {
  const auto test = stripes(100, 16, 3, 2);
  std::vector<double> losses;
  const FeatureClassifier classifier =
      train_feature_classifier(*stripes(200, 16, 3, 1), test.get(), {.steps = 40, .batch = 16, .channels = 8},
                               "stripes", [&](const FeatureTrainingProgress& progress) {
                                 EXPECT_EQ(progress.steps, 40);
                                 losses.push_back(progress.loss);
                                 return true;
                               });
  EXPECT_EQ(losses.size(), 40U);
  EXPECT_LT(losses.back(), losses.front());
  EXPECT_GT(classifier.accuracy(), 0.95);
  EXPECT_TRUE(classifier.record().test_set);
  EXPECT_EQ(classifier.record().accuracy_images, 100);
  EXPECT_EQ(classifier.record().steps, 40);
  const FeatureSpace space = classifier.space();
  EXPECT_EQ(space.network, "classifier of stripes");
  EXPECT_EQ(space.dimensions, 32);
  EXPECT_FALSE(space.is_fid);

  const Features features = classifier.features(test->image(5).unsqueeze(0));
  EXPECT_EQ(format_shape(features.pooled.sizes()), "[1, 32]");
  EXPECT_FALSE(features.pooled.requires_grad());
  EXPECT_FALSE(features.spatial.defined());
  EXPECT_GT(features.probabilities[0][1].item<double>(), 0.5) << "image 5 has stripes down";
}

TEST(FeatureClassifier, HoldsImagesOutWithoutATestSet) {
  const FeatureClassifier classifier = some_classifier();
  EXPECT_FALSE(classifier.record().test_set);
  EXPECT_EQ(classifier.record().accuracy_images, 4) << "a tenth of 40";
}

TEST(FeatureClassifier, IsAFunctionOfItsSeed) {
  EXPECT_EQ(some_classifier(7).space().sha256, some_classifier(7).space().sha256);
  EXPECT_NE(some_classifier(7).space().sha256, some_classifier(8).space().sha256);
}

TEST(FeatureClassifier, StopsWhenItIsTold) {
  const FeatureClassifier classifier =
      train_feature_classifier(*stripes(20, 8, 1, 1), nullptr, {.steps = 1000, .batch = 4, .channels = 8}, "stripes",
                               [](const FeatureTrainingProgress& progress) { return progress.step < 2; });
  EXPECT_EQ(classifier.record().steps, 2);
}

TEST(FeatureClassifier, TakesAnySizeFrom8) {
  for (const auto& [height, width] : std::vector<std::pair<std::int64_t, std::int64_t>>{{8, 8}, {9, 31}, {64, 40}}) {
    const FeatureClassifierNetwork network(
        {.image_height = height, .image_width = width, .image_channels = 4, .classes = 3, .channels = 8},
        ParameterStore(0));
    const auto [features, logits] = network(at::zeros({2, 4, height, width}));
    EXPECT_EQ(format_shape(features.sizes()), "[2, 32]");
    EXPECT_EQ(format_shape(logits.sizes()), "[2, 3]");
  }
}

TEST(FeatureClassifier, IsTheSameAfterSaving) {
  const FeatureClassifier classifier = some_classifier();
  const fs::path path = temporary("saved.safetensors");
  classifier.save(path);
  const FeatureClassifier loaded = FeatureClassifier::load(path);
  EXPECT_EQ(loaded.space(), classifier.space());
  EXPECT_EQ(loaded.options(), classifier.options());
  EXPECT_EQ(loaded.accuracy(), classifier.accuracy());
  EXPECT_EQ(loaded.record().class_names, classifier.record().class_names);
  const Tensor images = (at::arange(3 * 64) * 7).remainder(256).to(at::kByte).view({3, 1, 8, 8});
  EXPECT_TRUE(at::equal(loaded.features(images).pooled, classifier.features(images).pooled));
  EXPECT_EQ(load_feature_network(path)->space(), classifier.space());
  EXPECT_EQ(classifier.to(at::kCPU).space(), classifier.space());
  fs::remove(path);
}

TEST(FeatureClassifier, RefusesImagesOfAnotherSize) {
  expect_error(
      [] {
        some_classifier().features(at::zeros({1, 3, 8, 8}));
      },
      {"classifier of stripes", "[N, 1, 8, 8]", "[1, 3, 8, 8]"});
}

TEST(FeatureClassifier, NeedsClassesAndSensibleOptions) {
  const auto plain = in_memory_dataset(
      {.images = at::zeros({4, 1, 8, 8}, at::kByte), .labels = {}, .class_names = {}, .source = "plain"});
  const auto train = [](const Dataset& data, const FeatureTrainingOptions& options, const Dataset* test = nullptr) {
    return train_feature_classifier(data, test, options, "data");
  };
  expect_error([&] { train(*plain, {}); }, {"2 classes", "got 0"});
  const auto data = stripes(4, 8, 1, 1);
  expect_error([&] { train(*data, {.steps = 0}); }, {"step", "0"});
  expect_error([&] { train(*data, {.batch = 0}); }, {"batch"});
  expect_error([&] { train(*data, {.held_out = 0.0}); }, {"held out", "0"});
  expect_error([&] { train(*data, {.held_out = 0.99}); }, {"4 of 4 held out"});
  expect_error([&] { train(*data, {.channels = 12}); }, {"divisible by 8", "12"});
  expect_error([&] { train(*stripes(4, 7, 1, 1), {}); }, {"image height", "7"});
  const auto other = stripes(4, 16, 1, 1);
  expect_error([&] { train(*data, {}, other.get()); }, {"[1, 8, 8]", "[1, 16, 16]"});
}

TEST(FeatureClassifierFile, IsRefusedWhenItDoesNotFitItself) {
  const fs::path path = temporary("broken.safetensors");
  const auto load = [&] { FeatureClassifier::load(path); };
  write_changed(path, R"("channels":8)", R"("channels":16)");
  expect_error(load, {path.string(), "classify.weight", "[2, 64]", "[2, 32]"});
  write_changed(path, R"("classes":2)", R"("classes":1000000)");
  expect_error(load, {path.string(), "[1000000, 32]"});
  write_changed(path, R"("classes":2)", R"("classes":99999999999)");
  expect_error(load, {path.string(), "classes", "99999999999"});
  write_changed(path, R"("image_height":8)", R"("image_height":-8)");
  expect_error(load, {path.string(), "image height", "-8"});
  write_changed(path, R"("image_height":8)", R"("image_height":"8")");
  expect_error(load, {path.string(), "image_height"});
  write_changed(path, R"(["across","down"])", R"(["across"])");
  expect_error(load, {path.string(), "2 class names", "got 1"});
  write_changed(path, R"("format":1)", R"("format":2)");
  expect_error(load, {path.string(), "format 1", "got 2"});
  write_changed(path, R"("source")", R"("sauce")");
  expect_error(load, {path.string(), "sauce"});
  write_changed(path, "", "", [](NamedTensors& weights) { weights[0].second.fill_(NAN); });
  expect_error(load, {path.string(), "finite"});
  write_changed(path, "", "", [](NamedTensors& weights) { weights.pop_back(); });
  expect_error(load, {path.string(), "missing"});
  write_changed(path, "", "", [](NamedTensors& weights) { weights.emplace_back("more", at::zeros({1})); });
  expect_error(load, {path.string(), "weights"});
  fs::remove(path);
}

TEST(FeatureNetworkFile, DamagedOnesAreErrors) {
  const TemporaryFolder folder;
  some_classifier().save(folder / "whole.safetensors");
  const std::string contents = contents_of(folder / "whole.safetensors");
  const auto read = [&](const std::string& changed) {
    (void)load_feature_network(folder.write("damaged.safetensors", changed));
  };
  expect_error_at_every_truncation(contents, read, 60);
  // Of the header, which is not a hundredth of the file, every place.
  const std::size_t header = contents.find("}}", contents.find("data_offsets")) + 2;
  const std::size_t errors = errors_of_flipped_bytes(
      contents.substr(0, header), [&](const std::string& changed) { read(changed + contents.substr(header)); }, 60);
  EXPECT_GT(errors, 30U);
}

TEST(FeatureNetworkFile, SaysWhatItExpects) {
  const fs::path path = temporary("other.safetensors");
  write_safetensors(path, {{"model.weight", at::zeros({2, 2})}});
  expect_error([&] { load_feature_network(path); }, {path.string(), "classifier", "Inception"});
  expect_error([&] { FeatureClassifier::load(path); }, {path.string(), "metadata"});
  std::ofstream(path, std::ios::binary) << "PK\3\4 and no more";
  expect_error([&] { load_feature_network(path); }, {path.string(), "pt_inception"});
  fs::remove(path);
  expect_error([&] { load_feature_network(path); }, {path.string()});
}

}  // namespace
}  // namespace iddpm
