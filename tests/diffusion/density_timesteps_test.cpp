#include "iddpm/diffusion/density_timesteps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace iddpm {
namespace {

class DensityOf : public testing::TestWithParam<NoiseDensity> {};

TEST_P(DensityOf, IsADistributionWithoutWeightsAboveTen) {
  for (const NoiseSchedule& schedule :
       {cosine_schedule({.steps = 1000}), linear_schedule({.steps = 50}), cosine_schedule({.steps = 1}),
        cosine_schedule({.steps = 20, .max_beta = 1.0})}) {
    const std::vector<double> p = DensityTimesteps(schedule, GetParam()).probabilities();
    ASSERT_EQ(p.size(), schedule.alpha_bar.size());
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1.0, 1e-12);
    for (const double value : p) EXPECT_GE(value * static_cast<double>(p.size()), 0.1 - 1e-12);
  }
}

TEST_P(DensityOf, LeavesTheMeanOfTheLossAlone) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 100});
  const DensityTimesteps timesteps(schedule, GetParam());
  const std::vector<double> p = timesteps.probabilities();
  RandomStream stream(1, StreamPurpose::training_timesteps);
  const SampledTimesteps sampled = timesteps.sample(500, stream);
  for (std::int64_t i = 0; i < 500; ++i) {
    const auto t = static_cast<std::size_t>(sampled.t.values()[static_cast<std::size_t>(i)]);
    EXPECT_NEAR(sampled.weight[i].item<double>(), 1.0 / (100 * p[t]), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DensityOf, testing::Values(NoiseDensity::normal, NoiseDensity::laplace));

TEST(DensityTimesteps, LaplaceIsTightAroundEqualSignalAndNoiseAndNormalOnTheCleanSide) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 1000});
  const auto share_near = [&](NoiseDensity density, double least, double most) {
    const std::vector<double> p = DensityTimesteps(schedule, density).probabilities();
    double share = 0;
    for (std::size_t t = 0; t < p.size(); ++t) {
      const double log_snr = std::log(schedule.alpha_bar[t] / (1 - schedule.alpha_bar[t]));
      if (log_snr > least && log_snr < most) share += p[t];
    }
    return share;
  };
  // 1 - exp(-2) of a Laplace distribution is within 2 scales, and what the even tenth has there comes on top.
  EXPECT_NEAR(share_near(NoiseDensity::laplace, -1, 1), 0.9 * (1 - std::exp(-2.0)) + 0.1 * 0.31, 0.02);
  EXPECT_NEAR(share_near(NoiseDensity::normal, 0, 4.8), 0.9 * 0.683 + 0.1 * 0.45, 0.03);
}

}  // namespace
}  // namespace iddpm
