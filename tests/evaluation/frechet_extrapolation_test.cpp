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

TEST(ExtrapolatedFrechetDistance, LeavesLittleOfTheBiasOfFewSamples) {
  const FeatureMoments real = standard_normal();
  for (const double shift : {0.0, 0.5}) {
    const Tensor fake = random_noise({500, dimensions}, 1) + shift;
    const double truth = dimensions * shift * shift;
    const double plain = frechet_distance(real, feature_moments(fake)) - truth;
    const double extrapolated = *extrapolated_frechet_distance(real, fake) - truth;
    if (shift == 0.0) {
      EXPECT_GT(plain, 0.03);
      EXPECT_LT(std::abs(extrapolated), plain / 3);
    } else {
      EXPECT_LT(extrapolated, plain) << "the mean's own error is beside the bias here";
    }
  }
}

// With two parts the line goes through both points: 2 d(N) - d(N / 2).
TEST(ExtrapolatedFrechetDistance, IsTheInterceptOverTheInverseOfTheNumber) {
  const FeatureMoments real = standard_normal();
  const Tensor half = random_noise({40, dimensions}, 2);
  const Tensor alike = at::cat({half, half});  // however it is shuffled, both halves differ little from each other
  const double whole = frechet_distance(real, feature_moments(alike));
  const double extrapolated = *extrapolated_frechet_distance(real, alike, 2);
  EXPECT_LT(extrapolated, whole);
  EXPECT_GT(extrapolated, whole - 1.5 * whole);
}

TEST(ExtrapolatedFrechetDistance, IsNothingOfTooFewSamples) {
  const FeatureMoments real = standard_normal();
  EXPECT_FALSE(extrapolated_frechet_distance(real, random_noise({3, dimensions}, 3)).has_value());
  EXPECT_TRUE(extrapolated_frechet_distance(real, random_noise({4, dimensions}, 3)).has_value());
  expect_error([&] { extrapolated_frechet_distance(real, random_noise({9, dimensions}, 3), 1); }, {"2 parts", "got 1"});
}

}  // namespace
}  // namespace iddpm
