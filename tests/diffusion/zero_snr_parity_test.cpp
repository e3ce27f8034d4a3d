#include <gtest/gtest.h>

#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/loss_weight.h"
#include "tests/golden_process.h"

namespace iddpm {
namespace {

NoiseSchedule schedule_of(const GoldenCase& golden) {
  const auto steps = golden.settings.at("num_train_timesteps").get<std::int64_t>();
  if (golden.settings.at("beta_schedule").get<std::string>() != "linear") return cosine_schedule({.steps = steps});
  const auto first = golden.settings.at("beta_start").get<double>();
  const auto last = golden.settings.at("beta_end").get<double>();
  std::vector<double> betas;
  for (std::int64_t t = 0; t < steps; ++t) {
    betas.push_back(first + static_cast<double>(t) / static_cast<double>(steps - 1) * (last - first));
  }
  return NoiseSchedule(std::move(betas));
}

TEST(ParityZeroSnr, RescaledSchedulesAndWhatFollowsAreThoseOfTheReference) {
  const auto cases = golden_cases("zero_snr");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const NoiseSchedule schedule = schedule_of(golden);
    EXPECT_TRUE(all_close(to_tensor(schedule.beta), golden["betas_f64"], 0.0, 1e-12));
    EXPECT_TRUE(all_close(to_tensor(schedule.alpha_bar), golden["alphas_cumprod_f64"], 0.0, 1e-12));
    const NoiseSchedule zero = zero_terminal_snr(schedule);
    // The smallest betas, which are differences of numbers near 1, agree in what digits are left.
    EXPECT_TRUE(all_close(to_tensor(zero.beta), golden["betas_zero_snr_f64"], 1e-15, 1e-12));
    EXPECT_TRUE(all_close(to_tensor(zero.alpha_bar), golden["alphas_cumprod_zero_snr_f64"], 1e-15, 1e-12));
    for (const auto& [process, suffix] : {std::pair(ForwardProcess(schedule), std::string()),
                                          std::pair(ForwardProcess(zero), std::string("_zero_snr"))}) {
      const Tensor x_0 = golden["x_0"], noise = golden["noise"], t = golden["t"];
      EXPECT_TRUE(all_close(process.sample(x_0, t, noise), golden["x_t" + suffix], 1e-4, 1e-5));
      EXPECT_TRUE(all_close(process.velocity(x_0, t, noise), golden["velocity" + suffix], 1e-4, 1e-5));
    }
  }
}

TEST(ParityZeroSnr, MinSnrWeightsAreThoseOfTheReference) {
  const auto cases = golden_cases("zero_snr");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const NoiseSchedule schedule = schedule_of(golden);
    const LossWeighting weighting = {
        .weight = LossWeight::min_snr, .floor = 0.0, .snr_limit = golden.settings.at("gamma").get<double>()};
    // The reference's are float32, whose 1 - alpha_bar has few digits at small t and whose alpha_bar few at the end.
    const auto agrees_where_told = [](const std::vector<double>& weights, const Tensor& expected, std::int64_t end) {
      const Tensor actual = to_tensor(weights);
      return all_close(actual.slice(0, 0, 20), expected.slice(0, 0, 20), 0.0, 1e-3) &&
             all_close(actual.slice(0, 20, end), expected.slice(0, 20, end), 0.0, 1e-4);
    };
    std::int64_t end = schedule.steps();
    while (schedule.alpha_bar[static_cast<std::size_t>(end - 1)] <= 1e-4) --end;
    EXPECT_TRUE(
        agrees_where_told(loss_weights(schedule, Mean::epsilon, weighting), golden["min_snr_weight_epsilon"], end));
    EXPECT_TRUE(agrees_where_told(loss_weights(schedule, Mean::velocity, weighting), golden["min_snr_weight_v"], end));
    EXPECT_TRUE(agrees_where_told(loss_weights(schedule, Mean::x_0, weighting), golden["min_snr_weight_sample"], end));
    const NoiseSchedule zero = zero_terminal_snr(schedule);
    while (zero.alpha_bar[static_cast<std::size_t>(end - 1)] <= 1e-4) --end;
    if (!golden.contains("min_snr_weight_v_zero_snr")) continue;
    EXPECT_TRUE(
        agrees_where_told(loss_weights(zero, Mean::velocity, weighting), golden["min_snr_weight_v_zero_snr"], end));
    EXPECT_TRUE(
        agrees_where_told(loss_weights(zero, Mean::x_0, weighting), golden["min_snr_weight_sample_zero_snr"], end));
  }
}

}  // namespace
}  // namespace iddpm
