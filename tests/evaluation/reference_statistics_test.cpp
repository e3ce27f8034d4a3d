#include "iddpm/evaluation/metrics/reference_statistics.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include "iddpm/evaluation/metrics/sample_metrics.h"
#include "iddpm/io/safetensors.h"
#include "tests/evaluation/pixel_features.h"
#include "tests/expect_error.h"
#include "tests/golden_case.h"
#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

class ReferenceStatistics : public ::testing::Test {
 protected:
  ~ReferenceStatistics() override { std::filesystem::remove(path_); }

  // Saves the set's file again with one tensor or the metadata changed, and expects it to be refused.
  void expect_refused(
      const std::function<void(std::map<std::string, Tensor>&, std::map<std::string, std::string>&)>& change,
      const std::string& part) {
    save_reference_statistics(path_, set_);
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> metadata;
    {
      const SafetensorsFile file(path_);
      for (const std::string& name : file.names()) tensors[name] = file.tensor(name);
      metadata = file.metadata();
    }
    change(tensors, metadata);
    write_safetensors(path_, NamedTensors(tensors.begin(), tensors.end()), metadata);
    expect_error([&] { load_reference_statistics(path_); }, {path_.string(), part});
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() / "iddpm_reference_statistics_test.safetensors";
  FeatureSet set_ = pixel_feature_set(*random_dataset(40, 1), {.source = "random images"});
};

TEST_F(ReferenceStatistics, AreReadBackAsTheyWereSaved) {
  save_reference_statistics(path_, set_);
  const FeatureSet loaded = load_reference_statistics(path_);
  EXPECT_EQ(loaded.space, set_.space);
  EXPECT_EQ(loaded.images, set_.images);
  EXPECT_EQ(loaded.pooled.count, 40);
  EXPECT_TRUE(at::equal(loaded.pooled.mean, set_.pooled.mean));
  EXPECT_TRUE(at::equal(loaded.pooled.covariance, set_.pooled.covariance));
  ASSERT_TRUE(loaded.spatial.has_value());
  EXPECT_TRUE(at::equal(loaded.spatial->covariance, set_.spatial->covariance));
  EXPECT_TRUE(at::equal(loaded.features, set_.features));
}

TEST_F(ReferenceStatistics, GiveTheSameMetricsAsTheImages) {
  save_reference_statistics(path_, set_);
  const FeatureSet fake = pixel_feature_set(*random_dataset(30, 2));
  EXPECT_EQ(nlohmann::json(evaluate_samples(load_reference_statistics(path_), fake)),
            nlohmann::json(evaluate_samples(set_, fake)));
}

TEST_F(ReferenceStatistics, WithoutFeaturesStillGiveTheFrechetDistance) {
  const FeatureSet few = pixel_feature_set(*random_dataset(40, 1), {.keep_features = false});
  save_reference_statistics(path_, few);
  const FeatureSet loaded = load_reference_statistics(path_);
  EXPECT_FALSE(loaded.features.defined());
  const FeatureSet fake = pixel_feature_set(*random_dataset(30, 2));
  const SampleMetrics metrics = evaluate_samples(loaded, fake);
  EXPECT_EQ(metrics.frechet_distance, evaluate_samples(set_, fake).frechet_distance);
  EXPECT_FALSE(metrics.kernel_distance.has_value());
  EXPECT_TRUE(metrics.neighbours.empty());
}

TEST_F(ReferenceStatistics, AreRefusedIfInconsistent) {
  using Tensors = std::map<std::string, Tensor>;
  using Metadata = std::map<std::string, std::string>;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused([](Tensors& tensors, Metadata&) { tensors.erase("pooled.mean"); }, "pooled.mean");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["pooled.mean"] = at::zeros({7}, at::kDouble); }, "[7]");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["pooled.mean"] = at::zeros({8}); }, "Float");
  expect_refused([&](Tensors& tensors, Metadata&) { tensors["pooled.mean"][0] = nan; }, "finite");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["pooled.covariance"] *= 1e200; }, "at most 1e+16");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["pooled.covariance"][0][1] += 1.0; }, "symmetric");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["pooled.covariance"][0][0] = -1.0; }, "diagonal");
  expect_refused([](Tensors& tensors, Metadata&) { tensors.erase("spatial.covariance"); }, "spatial.covariance");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["features"] = tensors["features"].slice(0, 1); }, "[39, 8]");
  expect_refused([](Tensors& tensors, Metadata&) { tensors["spatial.mean"] = at::zeros({0}, at::kDouble); }, "spatial");
  expect_refused([](Tensors&, Metadata& metadata) { metadata.erase("format"); }, "format");
  expect_refused([](Tensors&, Metadata& metadata) { metadata["protocol"] = "{"; }, "protocol");
  expect_refused(
      [](Tensors&, Metadata& metadata) {
        auto protocol = nlohmann::json::parse(metadata["protocol"]);
        protocol["features"] = nullptr;
        metadata["protocol"] = protocol.dump();
      },
      "feature network");
  expect_refused(
      [](Tensors&, Metadata& metadata) {
        auto protocol = nlohmann::json::parse(metadata["protocol"]);
        protocol["images"]["count"] = -1;
        metadata["protocol"] = protocol.dump();
      },
      "at least 2");
}

TEST_F(ReferenceStatistics, DamagedOnesAreErrors) {
  const TemporaryFolder folder;
  save_reference_statistics(path_, pixel_feature_set(*random_dataset(4, 1)));
  const auto read = [&](const std::string& contents) {
    (void)load_reference_statistics(folder.write("damaged.safetensors", contents));
  };
  const std::string contents = contents_of(path_);
  expect_error_at_every_truncation(contents, read, 150);
  EXPECT_GT(errors_of_flipped_bytes(contents, read, 500), 100U);
}

TEST_F(ReferenceStatistics, MoreThanTheMemoryLimitTogetherIsRefused) {
  save_reference_statistics(path_, set_);
  std::uint64_t all = 0;
  {
    const SafetensorsFile file(path_);
    for (const std::string& name : file.names()) all += file.tensor(name).nbytes();
  }
  const MemoryLimit limit(all - 1);  // more than any one of its tensors
  expect_error([&] { load_reference_statistics(path_); }, {path_.string(), "more than the memory limit"});
}

TEST_F(ReferenceStatistics, ThatAreForeignAreRefused) {
  std::ofstream(path_, std::ios::binary) << "something else";
  expect_error([&] { load_reference_statistics(path_); }, {path_.string()});
  std::filesystem::remove(path_);
  expect_error([&] { load_reference_statistics(path_); }, {path_.string()});
}

}  // namespace
}  // namespace iddpm
