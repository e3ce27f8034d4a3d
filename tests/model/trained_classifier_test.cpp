#include "iddpm/model/trained_classifier.h"

#include "tests/random_images.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

TrainedClassifier tiny_classifier() {
  const ModelSettings model = tiny_model();
  ClassifierInfo info{.options = {.network = model.network, .classes = 3, .pool = ClassifierPool::spatial},
                      .diffusion = model.diffusion,
                      .class_names = model.class_names,
                      .source = "squares",
                      .steps = 7,
                      .seed = 5,
                      .accuracy = {{.t = 1, .noise_level = 0.5, .accuracy = 0.75}},
                      .accuracy_images = 4};
  NoisyClassifier network(info.options, 2);
  info.options = network.options();
  return {info, network};
}

// The file with its description or its tensors changed.
template <typename Change>
void rewrite_classifier(const fs::path& path, Change change) {
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  nlohmann::json json = nlohmann::json::parse(file.metadata().at("iddpm_noisy_classifier"));
  change(json, tensors);
  write_safetensors(path, tensors, {{"iddpm_noisy_classifier", json.dump()}});
}

}  // namespace

TEST(TrainedClassifier, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const TrainedClassifier written = tiny_classifier();
  written.save(folder / "classifier.safetensors");
  const TrainedClassifier read = TrainedClassifier::open(folder / "classifier.safetensors");
  const Tensor x_t = random_noise({2, 1, 8, 8}, 1), t = at::tensor({0, 3}, at::kLong);
  EXPECT_TRUE(at::equal(read.network()(x_t, t), written.network()(x_t, t)));
  EXPECT_EQ(read.checksum(), written.checksum());
  EXPECT_EQ(read.info().options, written.info().options);
  EXPECT_EQ(read.info().diffusion, written.info().diffusion);
  EXPECT_EQ(read.info().class_names, written.info().class_names);
  EXPECT_EQ(read.info().accuracy, written.info().accuracy);
  EXPECT_EQ(read.info().steps, 7);
  EXPECT_TRUE(contains(describe(read), "noise level 0.5"));
  EXPECT_TRUE(contains(describe(read), "75.0 %"));
  EXPECT_EQ(describe_json(read)["options"]["classes"], 3);
}

TEST(TrainedClassifier, OfAnotherKindOrDamagedIsRefusedWithASentence) {
  const TemporaryFolder folder;
  const fs::path path = folder / "classifier.safetensors";
  const auto error_after = [&](auto change) {
    tiny_classifier().save(path);
    rewrite_classifier(path, change);
    const std::string error = error_of([&] { (void)TrainedClassifier::open(path); });
    EXPECT_TRUE(error.empty() || contains(error, path.string())) << error;
    return error;
  };
  using Json = nlohmann::json;
  EXPECT_EQ(error_after([](Json&, NamedTensors&) {}), "");
  EXPECT_TRUE(contains(error_after([](Json& json, NamedTensors&) { json["format"] = 2; }), "format"));
  EXPECT_TRUE(contains(error_after([](Json& json, NamedTensors&) { json["settings_format"] = 99; }), "format"));
  EXPECT_TRUE(
      contains(error_after([](Json& json, NamedTensors&) { json["options"]["network"]["channels"] = 64; }), "shape"));
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json["options"]["classes"] = 1LL << 60; }), "");
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json["class_names"] = {"one"}; }), "");
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json["diffusion"]["steps"] = 1LL << 40; }), "");
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json["surprise"] = 1; }), "");
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json["accuracy"] = 3; }), "");
  EXPECT_NE(error_after([](Json& json, NamedTensors&) { json = Json::array(); }), "");
  EXPECT_TRUE(contains(error_after([](Json&, NamedTensors& tensors) { tensors.pop_back(); }), "missing"));
  EXPECT_TRUE(contains(error_after([](Json&, NamedTensors& tensors) { tensors[0].second = tensors[0].second + 1; }),
                       "damaged"));
  write_safetensors(path, {{"a", at::ones({2})}});
  EXPECT_TRUE(contains(error_of([&] { (void)TrainedClassifier::open(path); }), "no classifier of noisy images"));
}

}  // namespace iddpm
