#include "iddpm/evaluation/protocol.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/io/atomic_file.h"
#include "tests/expect_error.h"

namespace iddpm {
namespace {

Protocol some_protocol() {
  return {
      .measurement = Measurement::sample_quality,
      .images = {.source = "samples", .sha256 = "a1", .count = 1000, .image_shape = {1, 28, 28}},
      .reference = ImageSetRecord{.source = "test images", .sha256 = "b2", .count = 9000, .image_shape = {1, 28, 28}},
      .features = FeatureSpace{.network = "a classifier", .sha256 = "c3", .dimensions = 64, .is_fid = false},
      .neighbours = {3, 5},
      .score_splits = 1,
      .model = ModelRecord{.checkpoint = "runs/a",
                           .checkpoint_sha256 = "d4",
                           .weights = "ema 0.9999",
                           .sampler = "ancestral",
                           .steps = 50,
                           .original_steps = 4000,
                           .evaluations = 99,
                           .seed = ~std::uint64_t{0}},
      .software = "iddpm"};
}

TEST(Protocol, SurvivesJson) {
  const Protocol protocol = some_protocol();
  EXPECT_EQ(nlohmann::json::parse(nlohmann::json(protocol).dump()).get<Protocol>(), protocol);
  const Protocol bare{.measurement = Measurement::likelihood};
  EXPECT_EQ(nlohmann::json(bare).get<Protocol>(), bare);
}

TEST(Protocol, ReadsStrictly) {
  nlohmann::json json = some_protocol();
  json["model"].erase("seed");
  expect_error([&] { json.get<Protocol>(); }, {"model", "seed"});
  json = some_protocol();
  json["images"]["count"] = "many";
  expect_error([&] { json.get<Protocol>(); }, {"images", "count"});
  json = some_protocol();
  json["measurement"] = "guess";
  expect_error([&] { json.get<Protocol>(); }, {"guess"});
  json = some_protocol();
  json["extra"] = 1;
  expect_error([&] { json.get<Protocol>(); }, {"extra"});
  json = nlohmann::json::array();
  expect_error([&] { json.get<Protocol>(); }, {"array"});
}

TEST(Protocol, LetsModelsBeComparedThatWereMeasuredAlike) {
  const Protocol a = some_protocol();
  Protocol b = a;
  b.model->sampler = "ddim";
  b.model->steps = 10;
  b.model->seed = 7;
  b.model->weights = "raw";
  b.images.sha256 = "other samples";
  b.images.source = "other name";
  b.features->network = "another name";
  EXPECT_NO_THROW(require_comparable(a, b));
  EXPECT_EQ(measurement_id(a), measurement_id(b));
  EXPECT_TRUE(compare(a, b).obstacles.empty());
  EXPECT_EQ(compare(a, b).differences.size(), 5U);
  EXPECT_TRUE(compare(a, a).differences.empty());
}

TEST(Protocol, RefusesToCompareWhatWasMeasuredDifferently) {
  const Protocol a = some_protocol();
  const auto refused = [&](const std::string& what, const auto& change) {
    Protocol b = a;
    change(b);
    EXPECT_NE(measurement_id(a), measurement_id(b)) << what;
    expect_error([&] { require_comparable(a, b); }, {what});
    EXPECT_THROW(require_comparable(b, a), Error) << what;
  };
  refused("feature network", [](Protocol& p) { p.features->sha256 = "c4"; });
  refused("feature network", [](Protocol& p) { p.features.reset(); });
  refused("reference", [](Protocol& p) { p.reference->sha256 = "b3"; });
  refused("images of the reference: 9000 and 8999", [](Protocol& p) { p.reference->count = 8999; });
  refused("number of images: 1000 and 5000", [](Protocol& p) { p.images.count = 5000; });
  refused("size of the images", [](Protocol& p) { p.images.image_shape = {3, 32, 32}; });
  refused("nearest neighbours", [](Protocol& p) { p.neighbours = {3}; });
  refused("splits", [](Protocol& p) { p.score_splits = 10; });
  refused("measurement", [](Protocol& p) { p.measurement = Measurement::likelihood; });
}

TEST(Protocol, OfALikelihoodIsTiedToTheImages) {
  Protocol a{.measurement = Measurement::likelihood,
             .images = {.source = "test", .sha256 = "a1", .count = 100, .image_shape = {1, 28, 28}}};
  Protocol b = a;
  b.model = some_protocol().model;
  EXPECT_NO_THROW(require_comparable(a, b));
  b.images.sha256 = "a2";
  EXPECT_THROW(require_comparable(a, b), Error);
}

TEST(Protocol, OfALikelihoodIsTiedToThePrecisionWhereThatIsRecorded) {
  Protocol a{.measurement = Measurement::likelihood, .model = some_protocol().model};
  const std::string before = measurement_id(a);
  a.model->precision = "float32";
  a.model->device = "cpu";
  EXPECT_NE(measurement_id(a), before);
  EXPECT_EQ(nlohmann::json::parse(nlohmann::json(a).dump()).get<Protocol>(), a);
  Protocol b = a;
  b.model->device = "cuda:0";
  EXPECT_EQ(compare(a, b).differences, std::vector<std::string>{"device: \"cpu\" and \"cuda:0\""});
  EXPECT_NO_THROW(require_comparable(a, b));
  b.model->precision = "bfloat16";
  expect_error([&] { require_comparable(a, b); }, {"precision", "float32", "bfloat16"});
  EXPECT_NE(describe(b).find("bfloat16 on cuda:0"), std::string::npos);
  // Samples are what is judged, however they were computed.
  a.measurement = b.measurement = Measurement::sample_quality;
  EXPECT_NO_THROW(require_comparable(a, b));
}

TEST(Protocol, IsDescribedWithEverythingThatMatters) {
  const std::string text = describe(some_protocol());
  for (const char* part : {"1000 images", "test images", "a classifier", "3, 5", "ema 0.9999", "ancestral",
                           "50 of 4000 steps", "18446744073709551615"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in:\n" << text;
  }
  EXPECT_NE(text.find(measurement_id(some_protocol())), std::string::npos);
}

class EvaluationResultFile : public ::testing::Test {
 protected:
  ~EvaluationResultFile() override { std::filesystem::remove(path_); }
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / "iddpm_evaluation_result_test.json";
  EvaluationResult result_{.protocol = some_protocol(), .figures = {{"frechet_distance", 12.5}}};
};

TEST_F(EvaluationResultFile, IsReadBackAsItWasSaved) {
  save_result(path_, result_);
  const EvaluationResult loaded = load_result(path_);
  EXPECT_EQ(loaded.protocol, result_.protocol);
  EXPECT_EQ(loaded.figures, result_.figures);
}

TEST_F(EvaluationResultFile, MayNameFilesThatAreNotUtf8) {
  result_.protocol.images.source = "caf\xe9";
  save_result(path_, result_);
  EXPECT_EQ(load_result(path_).protocol.images.sha256, result_.protocol.images.sha256);
}

TEST_F(EvaluationResultFile, IsRefusedIfItsProtocolWasChanged) {
  nlohmann::json json = result_;
  json["protocol"]["images"]["count"] = 50000;
  write_file_atomically(path_, json.dump());
  expect_error([&] { load_result(path_); }, {path_.string(), "measurement id"});
}

TEST_F(EvaluationResultFile, IsRefusedIfItIsNone) {
  for (const char* text : {"", "{", "[]", "{}", "12", R"({"format": "iddpm evaluation 1"})", "\xff\xfe"}) {
    write_file_atomically(path_, text);
    expect_error([&] { load_result(path_); }, {path_.string()});
  }
  write_file_atomically(path_, std::string(100000, '['));
  expect_error([&] { load_result(path_); }, {path_.string()});
  nlohmann::json json = result_;
  json["format"] = "iddpm evaluation 2";
  write_file_atomically(path_, json.dump());
  expect_error([&] { load_result(path_); }, {path_.string(), "iddpm evaluation 2"});
}

}  // namespace
}  // namespace iddpm
