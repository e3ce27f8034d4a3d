#include "iddpm/training/optimizer.h"

#include "iddpm/training/gradient.h"
#include "tests/golden_case.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

NamedParameters two_parameters() {
  NamedParameters parameters = {{"a", at::tensor({1.0f, -2.0f})}, {"b", at::tensor({0.5f})}};
  parameters[0].second.mutable_grad() = at::tensor({3.0f, 0.0f});
  parameters[1].second.mutable_grad() = at::tensor({-4.0f});
  return parameters;
}

}  // namespace

TEST(Gradient, NormIsThatOfAllParametersTogether) {
  NamedParameters parameters = two_parameters();
  EXPECT_DOUBLE_EQ(gradient_norm(parameters).item<double>(), 5.0);
  parameters[1].second.mutable_grad() = Tensor();
  EXPECT_DOUBLE_EQ(gradient_norm(parameters).item<double>(), 3.0);
}

TEST(Gradient, ClippingLeavesSmallGradientsAlone) {
  EXPECT_DOUBLE_EQ(clipping_factor(5.0, 1.0), 0.2);
  EXPECT_DOUBLE_EQ(clipping_factor(0.5, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(clipping_factor(1e9, 0.0), 1.0) << "0: no clipping";
}

TEST(Gradient, ScopeReleasesGradients) {
  const NamedParameters parameters = two_parameters();
  { const GradientScope scope(parameters); }
  EXPECT_FALSE(parameters[0].second.grad().defined());
}

TEST(Optimizer, FirstStepMovesByTheLearningRateAgainstTheSign) {
  const NamedParameters parameters = two_parameters();
  OptimizerState state = new_optimizer_state(parameters, 0);
  optimizer_step(parameters, state, {.learning_rate = 0.1, .weight_decay = 0.5});
  // Decay first: 1 * (1 - 0.1 * 0.5) - 0.1; a gradient of 0 moves nothing.
  EXPECT_TRUE(all_close(parameters[0].second, at::tensor({0.85f, -1.9f}), 1e-6, 0));
  EXPECT_TRUE(all_close(parameters[1].second, at::tensor({0.575f}), 1e-6, 0));
}

TEST(Optimizer, AveragesFollowTheNewParameters) {
  const NamedParameters parameters = two_parameters();
  OptimizerState state = new_optimizer_state(parameters, 2);
  const Tensor before = parameters[1].second.clone();
  optimizer_step(parameters, state, {.learning_rate = 0.1, .ema_rates = {0.9, 0.5}});
  const Tensor& after = parameters[1].second;
  EXPECT_TRUE(all_close(state.emas[0][1].second, before * 0.9 + after * 0.1, 1e-6, 0));
  EXPECT_TRUE(all_close(state.emas[1][1].second, before * 0.5 + after * 0.5, 1e-6, 0));
}

TEST(Ema, WarmupRaisesTheRateToItsFullValue) {
  EXPECT_DOUBLE_EQ(ema_rate_at(0.999, 0, true), 0.1);
  EXPECT_DOUBLE_EQ(ema_rate_at(0.999, 90, true), 0.91);
  EXPECT_DOUBLE_EQ(ema_rate_at(0.999, 1'000'000, true), 0.999);
  EXPECT_DOUBLE_EQ(ema_rate_at(0.999, 0, false), 0.999);
}

}  // namespace iddpm
