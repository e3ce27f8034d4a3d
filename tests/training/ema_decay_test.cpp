#include "iddpm/training/ema_decay.h"

#include "iddpm/training/optimizer.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

EmaDecay decay_of(const GoldenCase& golden) {
  const auto& settings = golden.settings;
  return {.rate = settings.at("decay").get<double>(),
          .least = settings.at("min_decay").get<double>(),
          .first_update = settings.at("update_after_step").get<std::int64_t>(),
          .power_law = settings.at("use_ema_warmup").get<bool>(),
          .inverse_gamma = settings.at("inv_gamma").get<double>(),
          .power = settings.at("power").get<double>()};
}

TEST(ParityEmaDecay, RatesAndAveragesAreThoseOfTheReference) {
  const auto cases = golden_cases("ema_decay");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const EmaDecay options = decay_of(golden);
    const Tensor decay = golden["decay"], values = golden["parameter"], shadow = golden["shadow"];
    NamedParameters parameters = {{"w", values[0].clone()}};
    OptimizerState state = new_optimizer_state(parameters, 1);
    for (std::int64_t k = 0; k < decay.size(0); ++k) {
      EXPECT_NEAR(ema_decay(options, k), decay[k].item<double>(), 1e-12) << "update " << k;
      if (k > 0) {
        parameters[0].second.copy_(values[k]);
        optimizer_step(parameters, state, {.learning_rate = 0.0, .ema_rates = {ema_decay(options, k)}});
      }
      EXPECT_TRUE(all_close(state.emas[0][0].second, shadow[k], 1e-6, 1e-6)) << "update " << k;
    }
  }
}

TEST(EmaDecay, GrowsFromNothingToTheRate) {
  EXPECT_EQ(ema_decay({}, 1), 0.0);
  EXPECT_DOUBLE_EQ(ema_decay({}, 2), 2.0 / 11.0);
  EXPECT_DOUBLE_EQ(ema_decay({.rate = 0.999}, 1'000'000), 0.999);
  EXPECT_EQ(ema_decay({.first_update = 100}, 101), 0.0);
  EXPECT_DOUBLE_EQ(ema_decay({.first_update = 100}, 102), 2.0 / 11.0);
  EXPECT_DOUBLE_EQ(ema_decay({.least = 0.5}, 2), 0.5);
  EXPECT_DOUBLE_EQ(ema_decay({.power_law = true, .power = 1.0}, 2), 0.5);
}

}  // namespace
}  // namespace iddpm
