#include "iddpm/evaluation/metrics/frechet_distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "iddpm/core/error.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::TensorOptions(at::kDouble));
}

FeatureMoments gaussian(const Tensor& mean, const Tensor& covariance) {
  return {.count = 1000, .mean = mean, .covariance = covariance};
}

TEST(FrechetDistance, OfGaussiansInOneDimensionIsThatOfMeansAndDeviations) {
  const auto a = gaussian(at::full({1}, 3.0, at::kDouble), at::full({1, 1}, 4.0, at::kDouble));
  const auto b = gaussian(at::full({1}, 1.0, at::kDouble), at::full({1, 1}, 25.0, at::kDouble));
  EXPECT_NEAR(frechet_distance(a, b), 4.0 + 9.0, 1e-12);
}

TEST(FrechetDistance, OfCommutingCovariancesIsThatOfTheirRoots) {
  const Tensor rotation = std::get<0>(at::linalg_qr(normal({16, 16}, 1)));
  const Tensor roots_a = at::linspace(0.1, 3.0, 16, at::kDouble);
  const Tensor roots_b = at::linspace(2.0, 0.5, 16, at::kDouble);
  const auto covariance = [&](const Tensor& roots) { return (rotation * roots.square()).mm(rotation.t()); };
  const Tensor mean_a = normal({16}, 2);
  const Tensor mean_b = normal({16}, 3);
  const double expected = ((mean_a - mean_b).square().sum() + (roots_a - roots_b).square().sum()).item<double>();
  const double distance =
      frechet_distance(gaussian(mean_a, covariance(roots_a)), gaussian(mean_b, covariance(roots_b)));
  EXPECT_NEAR(distance, expected, 1e-10 * expected);
}

TEST(FrechetDistance, IsSymmetric) {
  const auto a = feature_moments(normal({40, 12}, 4));
  const auto b = feature_moments(normal({50, 12}, 5) * 2.0 + 1.0);
  EXPECT_NEAR(frechet_distance(a, b), frechet_distance(b, a), 1e-10);
}

TEST(FrechetDistance, OfASetWithItselfIsZero) {
  const auto moments = feature_moments(normal({200, 20}, 6) * at::logspace(-3, 1, 20, 10.0, at::kDouble));
  EXPECT_NEAR(frechet_distance(moments, moments), 0.0, 1e-9);
}

TEST(FrechetDistance, OfFewSamplesWithThemselvesIsZeroThoughTheirCovarianceIsSingular) {
  const auto moments = feature_moments(normal({5, 64}, 7));
  EXPECT_NEAR(frechet_distance(moments, moments), 0.0, 1e-9);
}

TEST(FrechetDistance, OfOrthogonalSingularCovariancesIsTheSumOfTheirTraces) {
  const Tensor covariance_a = at::diag(at::cat({at::full({3}, 2.0, at::kDouble), at::zeros({3}, at::kDouble)}));
  const Tensor covariance_b = covariance_a.flip({0, 1});
  const Tensor zero = at::zeros({6}, at::kDouble);
  EXPECT_NEAR(frechet_distance(gaussian(zero, covariance_a), gaussian(zero, covariance_b)), 12.0, 1e-12);
}

TEST(FrechetDistance, OfPointsIsThatOfTheirPlaces) {
  const auto a = feature_moments(at::ones({3, 4}, at::kDouble));
  const auto b = feature_moments(at::zeros({3, 4}, at::kDouble));
  EXPECT_DOUBLE_EQ(frechet_distance(a, b), 4.0);
}

TEST(FrechetDistance, RefusesFeaturesOfDifferentDimensions) {
  EXPECT_THROW(frechet_distance(feature_moments(normal({5, 3}, 8)), feature_moments(normal({5, 4}, 8))), Error);
}

TEST(FeatureStatistics, StreamedEqualsWhole) {
  const Tensor features = normal({1000, 10}, 9) + 1e4;  // far from 0, where sums of squares would cancel
  const auto whole = feature_moments(features);
  const Tensor deviation = features - features.mean(0);
  EXPECT_TRUE(all_close(whole.covariance, deviation.t().mm(deviation) / 999.0, 1e-10, 0.0));
  for (const std::int64_t batch : {1, 7, 64, 999}) {
    FeatureStatistics statistics;
    for (const Tensor& part : features.split(batch)) statistics.add(part);
    const auto streamed = statistics.moments();
    EXPECT_EQ(streamed.count, 1000);
    EXPECT_TRUE(all_close(streamed.mean, whole.mean, 1e-9, 0.0)) << batch;
    EXPECT_TRUE(all_close(streamed.covariance, whole.covariance, 1e-9, 0.0)) << batch;
  }
}

TEST(FeatureStatistics, OfACopyAreItsOwn) {
  FeatureStatistics statistics;
  statistics.add(normal({10, 3}, 10));
  const auto before = statistics.moments();
  const Tensor covariance = before.covariance.clone();
  FeatureStatistics copy = statistics;
  copy.add(normal({10, 3}, 11));
  EXPECT_TRUE(at::equal(before.covariance, covariance));
  EXPECT_TRUE(at::equal(statistics.moments().covariance, covariance));
  EXPECT_EQ(copy.count(), 20);
}

TEST(FeatureStatistics, RefusesWhatHasNoMoments) {
  FeatureStatistics statistics;
  EXPECT_THROW(statistics.moments(), Error);
  statistics.add(normal({1, 3}, 12));
  EXPECT_THROW(statistics.moments(), Error);
  EXPECT_THROW(statistics.add(normal({2, 4}, 12)), Error);
  EXPECT_THROW(statistics.add(normal({6}, 12)), Error);
  EXPECT_THROW(statistics.add(at::full({2, 3}, std::numeric_limits<double>::quiet_NaN(), at::kDouble)), Error);
}

}  // namespace
}  // namespace iddpm
