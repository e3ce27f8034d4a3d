#include "iddpm/evaluation/metrics/sample_metrics.h"

#include <gtest/gtest.h>

#include <set>

#include "iddpm/evaluation/metrics/kernel_distance.h"
#include "tests/evaluation/pixel_features.h"
#include "tests/expect_error.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

TEST(FeatureSet, DoesNotDependOnTheBatch) {
  const auto dataset = random_dataset(25, 1);
  const FeatureSet whole = pixel_feature_set(*dataset, {.batch = 25});
  for (const std::int64_t batch : {1, 4, 100}) {
    const FeatureSet parts = pixel_feature_set(*dataset, {.batch = batch});
    EXPECT_EQ(parts.images, whole.images);
    EXPECT_TRUE(all_close(parts.features, whole.features, 1e-6, 1e-6));
    EXPECT_TRUE(all_close(parts.pooled.covariance, whole.pooled.covariance, 1e-6, 1e-6));
  }
}

TEST(FeatureSet, KnowsItsImagesByTheirPixels) {
  const FeatureSet set = pixel_feature_set(*random_dataset(25, 1), {.source = "one name"});
  EXPECT_EQ(set.images.count, 25);
  EXPECT_EQ(set.images.source, "one name");
  EXPECT_EQ(set.images.sha256, pixel_feature_set(*random_dataset(25, 1), {.source = "another"}).images.sha256);
  EXPECT_NE(set.images.sha256, pixel_feature_set(*random_dataset(25, 2)).images.sha256);
  EXPECT_NE(set.images.sha256, pixel_feature_set(*random_dataset(25, 1), {.count = 24}).images.sha256);
}

TEST(FeatureSet, NeedsTwoImages) {
  expect_error([] { pixel_feature_set(*random_dataset(1, 1)); }, {"at least 2"});
}

TEST(SampleMetrics, OfASetWithItselfAreThoseOfAPerfectModel) {
  const FeatureSet set = pixel_feature_set(*random_dataset(200, 3));
  const SampleMetrics metrics = evaluate_samples(set, set);
  EXPECT_NEAR(metrics.frechet_distance, 0.0, 1e-8);
  EXPECT_NEAR(*metrics.spatial_frechet_distance, 0.0, 1e-8);
  ASSERT_EQ(metrics.neighbours.size(), 2U);
  for (const ManifoldMetrics& neighbours : metrics.neighbours) {
    EXPECT_EQ(neighbours.manifold.precision, 1.0);
    EXPECT_EQ(neighbours.manifold.recall, 1.0);
    EXPECT_DOUBLE_EQ(neighbours.balls.density, 1.0);
    EXPECT_EQ(neighbours.balls.coverage, 1.0);
  }
}

TEST(SampleMetrics, AreThoseOfTheSingleFunctions) {
  const FeatureSet real = pixel_feature_set(*random_dataset(90, 4));
  const FeatureSet fake = pixel_feature_set(*random_dataset(70, 5, 160));
  const SampleMetrics metrics = evaluate_samples(real, fake, {.neighbours = {5, 1}, .block = 32});
  EXPECT_EQ(metrics.frechet_distance, frechet_distance(real.pooled, fake.pooled));
  EXPECT_GT(metrics.frechet_distance, 0.01);
  EXPECT_EQ(*metrics.kernel_distance, kernel_distance(real.features, fake.features, {.block = 32}));
  EXPECT_EQ(metrics.inception_score->mean, inception_score(fake.probabilities).mean);
  ASSERT_EQ(metrics.neighbours.size(), 2U);
  for (const auto& [k, manifold, balls] : metrics.neighbours) {
    EXPECT_EQ(manifold.precision, precision_recall(real.features, fake.features, {.k = k}).precision);
    EXPECT_EQ(manifold.recall, precision_recall(real.features, fake.features, {.k = k}).recall);
    EXPECT_EQ(balls.density, density_coverage(real.features, fake.features, {.k = k}).density);
    EXPECT_EQ(balls.coverage, density_coverage(real.features, fake.features, {.k = k}).coverage);
  }
}

TEST(SampleMetrics, LeaveOutNeighboursThatSmallSetsDontHave) {
  const FeatureSet real = pixel_feature_set(*random_dataset(20, 6));
  const FeatureSet fake = pixel_feature_set(*random_dataset(5, 7));
  const SampleMetrics metrics = evaluate_samples(real, fake);
  ASSERT_EQ(metrics.neighbours.size(), 1U);
  EXPECT_EQ(metrics.neighbours[0].k, 3);
  EXPECT_EQ(sample_protocol(real, fake, metrics).neighbours, std::vector<std::int64_t>{3});
}

TEST(SampleMetrics, RefuseFeaturesOfDifferentNetworks) {
  const auto dataset = random_dataset(20, 8);
  const FeatureSet a = pixel_feature_set(*dataset);
  const FeatureSet b = pixel_feature_set(*dataset, {.source = "samples"}, PixelFeatures(2));
  expect_error([&] { evaluate_samples(a, b); }, {"one network", "samples"});
}

TEST(SampleMetrics, RecordTheirProtocol) {
  const FeatureSet real = pixel_feature_set(*random_dataset(20, 9), {.source = "data"});
  const FeatureSet fake = pixel_feature_set(*random_dataset(30, 10), {.source = "samples"});
  const SampleMetrics metrics = evaluate_samples(real, fake);
  const Protocol protocol = sample_protocol(real, fake, metrics, ModelRecord{.checkpoint = "a run"});
  EXPECT_EQ(protocol.images, fake.images);
  EXPECT_EQ(*protocol.reference, real.images);
  EXPECT_EQ(*protocol.features, real.space);
  EXPECT_EQ(protocol.score_splits, 1);
  const FeatureSet more = pixel_feature_set(*random_dataset(31, 10));
  EXPECT_THROW(require_comparable(protocol, sample_protocol(real, more, evaluate_samples(real, more))), Error);
}

TEST(SampleMetrics, AreCalledFidOnlyInItsOwnFeatures) {
  const FeatureSet set = pixel_feature_set(*random_dataset(20, 11));
  const SampleMetrics metrics = evaluate_samples(set, set);
  const std::string ours = format_table(metrics, set.space);
  EXPECT_EQ(ours.find("\nFID"), std::string::npos);
  EXPECT_EQ(ours.find("KID"), std::string::npos);
  EXPECT_NE(ours.find("pixels"), std::string::npos);
  FeatureSpace inception = set.space;
  inception.is_fid = true;
  EXPECT_TRUE(format_table(metrics, inception).starts_with("FID"));
}

TEST(SampleMetrics, TellTheStagesOfTheirProgress) {
  const FeatureSet set = pixel_feature_set(*random_dataset(20, 12));
  std::set<std::string> stages;
  evaluate_samples(set, set, {.block = 8, .progress = [&](std::string_view stage, std::int64_t done, std::int64_t all) {
                                EXPECT_LE(done, all);
                                stages.emplace(stage);
                              }});
  EXPECT_EQ(stages.size(), 4U);
}

}  // namespace
}  // namespace iddpm
