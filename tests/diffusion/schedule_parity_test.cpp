#include <gtest/gtest.h>

#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/respacing.h"
#include "tests/expect_error.h"
#include "tests/golden_process.h"

namespace iddpm {
namespace {

constexpr double tolerance = 1e-12;  // relative

::testing::AssertionResult matches(const std::vector<double>& table, const Tensor& expected) {
  return all_close(to_tensor(table), expected, 0.0, tolerance);
}

TEST(ParitySchedule, TablesAreThoseOfTheReference) {
  const auto cases = golden_cases("schedule");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const NoiseSchedule schedule = golden_schedule(golden);
    EXPECT_TRUE(matches(schedule.beta, golden["betas"]));
    EXPECT_TRUE(matches(schedule.alpha_bar, golden["alphas_cumprod"]));
    EXPECT_TRUE(matches(schedule.alpha_bar_previous, golden["alphas_cumprod_prev"]));
    EXPECT_TRUE(matches(schedule.beta_tilde, golden["posterior_variance"]));
    EXPECT_TRUE(matches(schedule.log_beta_tilde_clipped, golden["posterior_log_variance_clipped"]));
    EXPECT_TRUE(matches(schedule.posterior_mean_x_0, golden["posterior_mean_coef1"]));
    EXPECT_TRUE(matches(schedule.posterior_mean_x_t, golden["posterior_mean_coef2"]));

    // The coefficients of x_t and of the noise in x_0.
    const ForwardProcess q(schedule);
    const Tensor t = at::arange(q.steps(), at::kLong);
    const Tensor one = at::ones({q.steps(), 1, 1, 1}, at::kDouble);
    const Tensor zero = at::zeros_like(one);
    EXPECT_TRUE(
        all_close(q.x_0_from_noise(one, t, zero).flatten(), golden["sqrt_recip_alphas_cumprod"], 0.0, tolerance));
    EXPECT_TRUE(
        all_close(-q.x_0_from_noise(zero, t, one).flatten(), golden["sqrt_recipm1_alphas_cumprod"], 0.0, tolerance));
  }
}

TEST(ParityRespacing, KeepsTheTimestepsOfTheReference) {
  const auto cases = golden_cases("respacing");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const NoiseSchedule schedule = golden_schedule(golden);
    const auto timesteps = respaced_timesteps(schedule.steps(), golden.settings.at("respacing").get<std::string>());
    EXPECT_TRUE(at::equal(at::tensor(at::ArrayRef<std::int64_t>(timesteps)), golden["used_timesteps"]));
    const NoiseSchedule respaced = respaced_schedule(schedule, timesteps);
    EXPECT_TRUE(matches(respaced.beta, golden["betas"]));
    EXPECT_TRUE(matches(respaced.alpha_bar, golden["alphas_cumprod"]));
  }
}

// A ddimN that the reference refuses for want of an integer stride is served, as respacing.h says.
TEST(ParityRespacing, RefusesWhatCannotBeKeptNamingTheNumbers) {
  const auto cases = golden_cases("respacing_error");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const auto steps = golden.settings.at("steps").get<std::int64_t>();
    const auto specification = golden.settings.at("respacing").get<std::string>();
    if (specification.starts_with("ddim")) {
      const auto count = std::stoll(specification.substr(4));
      if (count >= 1 && count <= steps) {
        EXPECT_EQ(respaced_timesteps(steps, specification).size(), static_cast<std::size_t>(count));
        continue;
      }
    }
    expect_error([&] { respaced_timesteps(steps, specification); },
                 {fmt::format("'{}'", specification), std::to_string(steps)});
  }
}

}  // namespace
}  // namespace iddpm
