#include "iddpm/evaluation/metrics/frechet_extrapolation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm {
namespace {

constexpr std::int64_t dimensions = 8;

FeatureMoments standard_normal() {
  return {
      .count = 1'000'000, .mean = at::zeros({dimensions}, at::kDouble), .covariance = at::eye(dimensions, at::kDouble)};
}

// The mean over many sets, so that the noise of a single one plays no part.
TEST(ExtrapolatedFrechetDistance, LeavesLittleOfTheBiasOfFewSamples) {
  constexpr int sets = 30;
  const FeatureMoments real = standard_normal();
  double plain = 0, extrapolated = 0;
  for (int i = 0; i < sets; ++i) {
    const Tensor fake = random_noise({500, dimensions}, static_cast<std::uint64_t>(i));
    plain += frechet_distance(real, feature_moments(fake)) / sets;
    extrapolated += *extrapolated_frechet_distance(real, fake) / sets;
  }
  EXPECT_GT(plain, 0.02);
  EXPECT_LT(std::abs(extrapolated), plain / 2);
}

TEST(ExtrapolatedFrechetDistance, IsTheDistanceItselfWhereTheNumberPlaysNoPart) {
  const Tensor alike = at::full({50, dimensions}, 2.0);  // a covariance of 0, in every part
  EXPECT_NEAR(*extrapolated_frechet_distance(standard_normal(), alike), dimensions * (4.0 + 1.0), 1e-9);
}

TEST(ExtrapolatedFrechetDistance, IsNothingOfTooFewSamples) {
  const FeatureMoments real = standard_normal();
  EXPECT_FALSE(extrapolated_frechet_distance(real, random_noise({3, dimensions}, 3)).has_value());
  EXPECT_TRUE(extrapolated_frechet_distance(real, random_noise({4, dimensions}, 3)).has_value());
  expect_error([&] { extrapolated_frechet_distance(real, random_noise({9, dimensions}, 3), 1); }, {"2 parts", "got 1"});
}

}  // namespace
}  // namespace iddpm
