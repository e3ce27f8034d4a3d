#include "iddpm/diffusion/noise_schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

TEST(LinearSchedule, RunsFromItsFirstToItsLastBeta) {
  const NoiseSchedule schedule = linear_schedule({.steps = 1000});
  EXPECT_DOUBLE_EQ(schedule.beta.front(), 1e-4);
  EXPECT_NEAR(schedule.beta.back(), 0.02, 1e-15);
  const NoiseSchedule longer = linear_schedule({.steps = 4000});
  EXPECT_DOUBLE_EQ(longer.beta.front(), 0.25e-4);
  EXPECT_NEAR(longer.alpha_bar.back(), schedule.alpha_bar.back(), 3e-6);
}

TEST(LinearSchedule, LimitsBetaWhereStepsAreFew) {
  for (std::int64_t steps = 1; steps <= 40; ++steps) {
    const NoiseSchedule schedule = linear_schedule({.steps = steps});
    EXPECT_EQ(schedule.steps(), steps);
    for (double beta : schedule.beta) {
      EXPECT_GT(beta, 0.0);
      EXPECT_LE(beta, 0.999);
    }
    EXPECT_GT(schedule.alpha_bar.back(), 0.0);
  }
  EXPECT_EQ(linear_schedule({.steps = 10}).beta.back(), 0.999);
  EXPECT_LT(linear_schedule({.steps = 21}).beta.back(), 0.999);
}

// Figures computed from the definitions with another program.
TEST(NoiseSchedule, GivesTheRatiosOfTheVarianceBoundsInThePapersFirstFigure) {
  const auto expect_ratios = [](const NoiseSchedule& schedule, const std::vector<double>& ratios) {
    for (std::size_t i = 0; i < ratios.size(); ++i) {
      EXPECT_NEAR(schedule.beta_tilde[i + 1] / schedule.beta[i + 1], ratios[i], 5e-5);
    }
  };
  expect_ratios(linear_schedule({.steps = 1000}), {0.4547, 0.6113, 0.6925, 0.7431, 0.7780});
  expect_ratios(cosine_schedule({.steps = 4000}), {0.4924, 0.6567, 0.7390, 0.7884, 0.8214});
}

TEST(NoiseSchedule, KeepsTheSignalThatThePapersFifthFigureShows) {
  const NoiseSchedule linear = linear_schedule({.steps = 1000});
  EXPECT_NEAR(linear.alpha_bar[499], 0.07859, 5e-6);
  EXPECT_NEAR(linear.alpha_bar[999], 4.036e-5, 5e-9);
  const NoiseSchedule cosine = cosine_schedule({.steps = 4000});
  EXPECT_NEAR(cosine.alpha_bar[1999], 0.49384, 5e-6);
  EXPECT_NEAR(cosine.alpha_bar[3999], 1.518e-10, 5e-14);
}

TEST(CosineSchedule, FollowsItsOffsetAndGreatestBeta) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 100, .offset = 0.1, .max_beta = 0.5});
  const auto f = [](double t) { return std::pow(std::cos((t + 0.1) / 1.1 * std::acos(-1.0) / 2.0), 2.0); };
  EXPECT_NEAR(schedule.alpha_bar[49], f(0.5) / f(0.0), 1e-14);
  EXPECT_EQ(schedule.beta.back(), 0.5);
}

class EverySchedule : public ::testing::TestWithParam<NoiseSchedule> {};

TEST_P(EverySchedule, HasOneEntryPerStepInEveryTable) {
  const NoiseSchedule& s = GetParam();
  for (const auto* table : {&s.beta, &s.alpha_bar, &s.alpha_bar_previous, &s.alpha_bar_next, &s.beta_tilde,
                            &s.log_beta_tilde_clipped, &s.posterior_mean_x_0, &s.posterior_mean_x_t}) {
    ASSERT_EQ(table->size(), static_cast<std::size_t>(s.steps()));
    for (double value : *table) EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_EQ(s.alpha_bar_previous.front(), 1.0);
  EXPECT_EQ(s.alpha_bar_next.back(), 0.0);
  EXPECT_EQ(s.beta_tilde.front(), 0.0);
  EXPECT_EQ(s.log_beta_tilde_clipped.front(), std::log(s.first_variance()));
}

// What one step of q makes of q(x_{t-1} | x_0) must be q(x_t | x_0), and the posterior must lead back.
TEST_P(EverySchedule, PosteriorUndoesTheForwardStep) {
  const NoiseSchedule& s = GetParam();
  for (std::size_t t = 0; t < s.beta.size(); ++t) {
    const double signal = s.posterior_mean_x_0[t] + s.posterior_mean_x_t[t] * std::sqrt(s.alpha_bar[t]);
    EXPECT_NEAR(signal, std::sqrt(s.alpha_bar_previous[t]), 1e-9) << "t = " << t;
    const double noise = s.beta_tilde[t] + s.posterior_mean_x_t[t] * s.posterior_mean_x_t[t] * (1.0 - s.alpha_bar[t]);
    EXPECT_NEAR(noise, 1.0 - s.alpha_bar_previous[t], 1e-9) << "t = " << t;
    EXPECT_LE(s.beta_tilde[t], s.beta[t] * (1.0 + 1e-9)) << "t = " << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Schedules, EverySchedule,
                         ::testing::Values(linear_schedule({.steps = 1}), linear_schedule({.steps = 2}),
                                           linear_schedule({.steps = 17}), linear_schedule({.steps = 1000}),
                                           cosine_schedule({.steps = 1}), cosine_schedule({.steps = 2}),
                                           cosine_schedule({.steps = 300}), NoiseSchedule({0.3}),
                                           NoiseSchedule({0.1, 0.5, 1.0})),
                         [](const auto& test) { return std::to_string(test.index); });

TEST(NoiseSchedule, OfOneStepTakesItsBetaForTheFirstVariance) {
  const NoiseSchedule schedule({0.25});
  EXPECT_EQ(schedule.first_variance(), 0.25);
  EXPECT_EQ(schedule.posterior_mean_x_0[0], 1.0);
  EXPECT_EQ(schedule.posterior_mean_x_t[0], 0.0);
}

TEST(NoiseSchedule, RefusesBetasThatAreNoVariances) {
  expect_error([] { NoiseSchedule({}); }, {"at least one beta"});
  expect_error([] { NoiseSchedule({0.1, 0.0}); }, {"(0, 1]", "got 0", "t = 1"});
  expect_error([] { NoiseSchedule({1.5}); }, {"1.5", "t = 0"});
  expect_error([] { NoiseSchedule({0.1, -0.1}); }, {"-0.1"});
  expect_error([] { NoiseSchedule({std::numeric_limits<double>::quiet_NaN()}); }, {"nan"});
  expect_error([] { NoiseSchedule({1e-20, 0.1}); }, {"1e-20"});
}

TEST(NoiseSchedule, RefusesNumbersOfStepsBeyondRange) {
  expect_error([] { linear_schedule({.steps = 0}); }, {"linear", "got 0"});
  expect_error([] { cosine_schedule({.steps = -4}); }, {"cosine", "got -4"});
  expect_error([] { cosine_schedule({.steps = max_schedule_steps + 1}); }, {"1000001"});
  expect_error([] { cosine_schedule({.steps = 10, .offset = -0.1}); }, {"offset", "-0.1"});
  expect_error([] { cosine_schedule({.steps = 10, .max_beta = 0.0}); }, {"(0, 1]"});
}

TEST(ZeroTerminalSnr, LeavesNoSignalAtTheEndAndTheFirstTimestepAsItWas) {
  for (const NoiseSchedule& schedule : {linear_schedule({.steps = 100}), cosine_schedule({.steps = 1000})}) {
    const NoiseSchedule zero = zero_terminal_snr(schedule);
    EXPECT_EQ(zero.alpha_bar.back(), 0.0);
    EXPECT_EQ(zero.beta.back(), 1.0);
    EXPECT_NEAR(zero.alpha_bar.front(), schedule.alpha_bar.front(), 1e-15);
    for (std::size_t t = 1; t < zero.alpha_bar.size(); ++t) EXPECT_LT(zero.alpha_bar[t], zero.alpha_bar[t - 1]);
    EXPECT_EQ(zero_terminal_snr(zero).alpha_bar.back(), 0.0) << "once more changes nothing";
  }
  expect_error([] { zero_terminal_snr(linear_schedule({.steps = 1})); }, {"at least 2"});
}

}  // namespace
}  // namespace iddpm
