#include "iddpm/model/checkpoint.h"

#include "iddpm/model/checkpoint_format.h"
#include "iddpm/model/run_folder.h"
#include "tests/golden_case.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

fs::path saved_model(const TemporaryFolder& folder, int steps = 1) {
  TrainingOptions options = tiny_training();
  options.ema_rates = {0.9999, 0.5};
  Trainer trainer(tiny_model(), options);
  train_steps(trainer, steps);
  const fs::path path = folder / "model.safetensors";
  trainer.save(path, {{"data", "tests"}});
  return path;
}

std::string error_of_opening(const fs::path& path) {
  return error_of([&] { Checkpoint checkpoint(path); });
}

// The file again with other metadata or tensors.
void rewrite(const fs::path& path, const std::function<void(nlohmann::json&, NamedTensors&)>& change) {
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  nlohmann::json json = nlohmann::json::parse(file.metadata().at("iddpm"));
  change(json, tensors);
  write_safetensors(path, tensors, {{"iddpm", json.dump()}});
}

void flip_bit(const fs::path& path, std::streamoff from_end) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-from_end, std::ios::end);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(-from_end, std::ios::end);
  file.put(byte);
}

}  // namespace

TEST(Checkpoint, GroupNamesHoldTheWholeRate) {
  EXPECT_EQ(checkpoint_format::group_name(std::nullopt), "model");
  EXPECT_EQ(checkpoint_format::group_name(0.9999), "ema_0.9999");
  for (const double rate : {0.1 + 0.2, 1.0 / 3, 1e-9, 0.99999999}) {
    const std::string group = checkpoint_format::group_name(rate);
    EXPECT_EQ(std::stod(group.substr(4)), rate) << group;
  }
}

TEST(Checkpoint, SaysWhatItIs) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint(saved_model(folder));
  const CheckpointInfo& info = checkpoint.info();
  EXPECT_EQ(info.settings, tiny_model());
  EXPECT_EQ(info.step, 1);
  EXPECT_EQ(info.seed, 5u);
  EXPECT_EQ(info.ema_rates, (std::vector<double>{0.9999, 0.5}));
  EXPECT_EQ(info.origin.at("data"), "tests");
  EXPECT_FALSE(info.version.empty());
  EXPECT_EQ(checkpoint.parameters(), count(UNet(tiny_model().network).parameters()));
}

TEST(Checkpoint, HoldsRawWeightsAndEachAverage) {
  const TemporaryFolder folder;
  TrainingOptions options = tiny_training();
  options.ema_rates = {0.9, 0.5};
  options.ema_warmup = false;
  Trainer trainer(tiny_model(), options);
  train_steps(trainer, 2);
  const fs::path path = folder / "model.safetensors";
  trainer.save(path);
  const Checkpoint checkpoint(path);
  const auto expect_equal = [](const UNet& loaded, const UNet& expected) {
    const auto a = loaded.parameters(), b = expected.parameters();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].first, b[i].first);
      EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << a[i].first;
    }
  };
  expect_equal(checkpoint.load_network({.raw = true}), trainer.network());
  expect_equal(checkpoint.load_network(), trainer.ema_network(0));
  expect_equal(checkpoint.load_network({.ema_rate = 0.5}), trainer.ema_network(1));
  EXPECT_FALSE(at::equal(trainer.ema_network(0).parameters()[0].second, trainer.ema_network(1).parameters()[0].second));
}

TEST(Checkpoint, AnEmaThatIsNotThereIsAnErrorThatListsThem) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint(saved_model(folder));
  const std::string error = error_of([&] { checkpoint.load_network({.ema_rate = 0.7}); });
  EXPECT_TRUE(contains(error, "0.9999, 0.5")) << error;
  EXPECT_EQ(checkpoint.chosen_rate({}), 0.9999);
  EXPECT_EQ(checkpoint.chosen_rate({.raw = true}), std::nullopt);
}

TEST(Checkpoint, ForeignFilesAreErrorsThatSaySo) {
  const TemporaryFolder folder;
  write_safetensors(folder / "other.safetensors", {{"a", at::ones({2})}}, {{"format", "pt"}});
  EXPECT_TRUE(contains(error_of_opening(folder / "other.safetensors"), "not an iddpm checkpoint"));
  EXPECT_TRUE(contains(error_of_opening(golden_directory() / "checkpoint_0_improved.pt"), "PyTorch checkpoint"));
  EXPECT_TRUE(contains(error_of_opening(training_state_path(saved_model(folder))), "state of a training"));
  EXPECT_NE(error_of_opening(folder / "missing.safetensors"), "");
}

TEST(Checkpoint, TruncatedFilesAreErrors) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  fs::resize_file(path, fs::file_size(path) - 1);
  EXPECT_TRUE(contains(error_of_opening(path), path.string()));
  fs::resize_file(path, 100);
  EXPECT_NE(error_of_opening(path), "");
  fs::resize_file(path, 0);
  EXPECT_NE(error_of_opening(path), "");
}

TEST(Checkpoint, AFlippedBitIsFoundWhenTheWeightsAreRead) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  flip_bit(path, 9);
  const Checkpoint checkpoint(path);
  EXPECT_EQ(error_of([&] { checkpoint.load_network({.raw = true}); }), "");
  EXPECT_TRUE(contains(error_of([&] { checkpoint.load_network({.ema_rate = 0.5}); }), "damaged"));
  EXPECT_TRUE(contains(error_of([&] { checkpoint.verify(); }), "ema_0.5"));
}

TEST(Checkpoint, ClaimsThatTheFileDoesNotHoldAreRefusedBeforeAnythingIsBuilt) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  const auto error_after = [&](const std::function<void(nlohmann::json&, NamedTensors&)>& change) {
    const fs::path copy = folder / "changed.safetensors";
    fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
    rewrite(copy, change);
    return error_of_opening(copy);
  };
  using Json = nlohmann::json;
  EXPECT_EQ(error_after([](Json&, NamedTensors&) {}), "");
  EXPECT_TRUE(
      contains(error_after([](Json& j, NamedTensors&) { j["model"]["network"]["channels"] = 8192; }), "expected"));
  EXPECT_TRUE(
      contains(error_after([](Json& j, NamedTensors&) { j["model"]["network"]["residual_blocks"] = 64; }), "missing"));
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["model"]["network"]["image_height"] = 1LL << 60; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["model"]["network"]["classes"] = -1; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["model"]["diffusion"]["steps"] = 1LL << 40; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["step"] = -1; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["ema_rates"] = {0.9999, 2.0}; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["ema_rates"] = {0.9999}; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["ema_rates"] = {0.5, 0.5}; }), "");
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j["surprise"] = 1; }), "");
  EXPECT_TRUE(contains(error_after([](Json& j, NamedTensors&) { j["format"] = 6; }), "format"));
  EXPECT_NE(error_after([](Json& j, NamedTensors&) { j = Json::array(); }), "");
  EXPECT_TRUE(contains(error_after([](Json&, NamedTensors& t) { t.pop_back(); }), "missing"));
  EXPECT_TRUE(
      contains(error_after([](Json&, NamedTensors& t) { t.emplace_back("model.x", at::ones({1})); }), "unknown"));
  EXPECT_TRUE(
      contains(error_after([](Json&, NamedTensors& t) { t[0].second = t[0].second.to(at::kDouble); }), "float32"));
}

TEST(Checkpoint, OfFormat1IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  const auto expected = Checkpoint(path).weights({.raw = true});
  rewrite(path, [](nlohmann::json& json, NamedTensors&) {
    json["format"] = 1;
    json.erase("data_pixels");
    for (const char* key : {"loss_weight", "loss_weight_floor", "snr_limit"}) json["model"]["diffusion"].erase(key);
    for (const char* key : {"class_dropout", "low_resolution", "low_resolution_noise", "low_resolution_noise_varies"}) {
      json["model"]["network"].erase(key);
    }
    json["model"]["diffusion"].erase("zero_terminal_snr");
  });
  const Checkpoint old(path);
  EXPECT_EQ(old.info().settings, tiny_model());
  EXPECT_TRUE(old.info().data_pixels.empty());
  const auto weights = old.weights({.raw = true});
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_TRUE(at::equal(weights[i].second, expected[i].second));
  Trainer resumed = Trainer::resume(path);
  train_steps(resumed, 1);
  EXPECT_EQ(resumed.data_pixels().images, tiny_training().batch) << "counted from here on";
}

TEST(Checkpoint, FieldsOfAnyOtherTypeAreRefusedWithASentence) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  const nlohmann::json whole = nlohmann::json::parse(SafetensorsFile(path).metadata().at("iddpm"));
  // Each would end the program if an exception met a half-made description.
  for (const auto& [key, unused] : whole.items()) {
    if (key == "origin") continue;
    for (const char* value : {"-1", "1e300", "18446744073709551616", "[]", "[[]]", "{}", "null", "\"x\"", "true"}) {
      rewrite(path, [&](nlohmann::json& json, NamedTensors&) {
        json = whole;
        json[key] = nlohmann::json::parse(value);
      });
      const std::string error = error_of_opening(path);
      const bool is_text = key == "version" && std::string(value) == "\"x\"";
      EXPECT_EQ(error.starts_with(path.string()), !is_text) << key << " " << value << ": " << error;
    }
    rewrite(path, [&](nlohmann::json& json, NamedTensors&) {
      json = whole;
      json.erase(key);
    });
    EXPECT_TRUE(error_of_opening(path).starts_with(path.string())) << key << ": " << error_of_opening(path);
  }
}

TEST(Checkpoint, KeepsThePixelsOfTheTrainingImages) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_model(), tiny_training());
  PixelStatistics seen;
  for (int i = 0; i < 3; ++i) {
    const Batch batch = next_batch(trainer);
    add(seen, batch.x_0);
    trainer.step(batch);
  }
  EXPECT_EQ(trainer.data_pixels(), seen);
  const fs::path path = folder / "model.safetensors";
  trainer.save(path);
  EXPECT_EQ(Checkpoint(path).info().data_pixels, seen);
  EXPECT_EQ(Trainer::resume(path).data_pixels(), seen);
  rewrite(path, [](nlohmann::json& json, NamedTensors&) { json["data_pixels"]["channels"][0]["black"] = -1; });
  EXPECT_TRUE(contains(error_of_opening(path), "pixel statistics"));
}

TEST(Checkpoint, IsWrittenWholeOrNotAtAll) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_model(), tiny_training());
  const fs::path path = folder / "absent" / "model.safetensors";
  EXPECT_NE(error_of([&] { trainer.save(path); }), "");
  // A model file that can't be written leaves no state behind.
  fs::create_directories(folder / "model.safetensors");
  EXPECT_NE(error_of([&] { trainer.save(folder / "model.safetensors"); }), "");
  EXPECT_FALSE(fs::exists(folder / "model.training.safetensors"));
}

TEST(Checkpoint, DescriptionHasWhatAPersonAsksFirst) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint(saved_model(folder));
  const std::string text = describe(checkpoint);
  for (const char* part : {"8 x 8 grey", "3 classes", "0.9999, 0.5", "circle", "iddpm sample", "data tests",
                           "channels at 8, 4 pixels", "learned_range"}) {
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
  }
  EXPECT_LT(text.find("iddpm sample"), text.find("parameters")) << "how to use it comes before what it is made of";
  const nlohmann::json json = describe_json(checkpoint);
  EXPECT_EQ(json.at("step"), 1);
  EXPECT_EQ(json.at("parameters"), checkpoint.parameters());
}

TEST(Checkpoint, DescriptionEscapesControlCharacters) {
  const TemporaryFolder folder;
  const fs::path path = saved_model(folder);
  rewrite(path, [](nlohmann::json& json, NamedTensors&) {
    json["model"]["class_names"][0] = "\x1b[2Jgone";
    json["origin"] = {{"data", "\x1b]0;title"}, {"\x1b[2J", 1}};
  });
  EXPECT_EQ(describe(Checkpoint(path)).find('\x1b'), std::string::npos);
}

}  // namespace iddpm
