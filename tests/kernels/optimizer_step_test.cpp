#include "iddpm/kernels/optimizer_step.h"

#include <gtest/gtest.h>

#include "iddpm/core/error.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operations.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

struct State {
  Tensor parameter, exp_avg, exp_avg_sq;
  std::vector<EmaTarget> averages;

  State copy() const {
    State other{parameter.clone(), exp_avg.clone(), exp_avg_sq.clone(), {}};
    for (const EmaTarget& target : averages) other.averages.push_back({target.average.clone(), target.rate});
    return other;
  }
};

State initial(at::IntArrayRef shape) {
  const Tensor parameter = at::randn(shape);
  return {parameter, at::zeros(shape), at::zeros(shape), {{parameter.clone(), 0.9999}, {parameter.clone(), 0.5}}};
}

constexpr AdamWStep options{.learning_rate = 1e-2, .weight_decay = 0.1, .gradient_factor = 0.3};

void expect_equal(const State& a, const State& b) {
  EXPECT_TRUE(at::allclose(a.parameter, b.parameter, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(a.exp_avg, b.exp_avg, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(a.exp_avg_sq, b.exp_avg_sq, 1e-5, 1e-6));
  for (std::size_t i = 0; i < a.averages.size(); ++i) {
    EXPECT_TRUE(at::allclose(a.averages[i].average, b.averages[i].average, 1e-5, 1e-6));
  }
}

TEST(AdamWStep, FirstStepMovesByTheLearningRateAgainstTheGradientsSign) {
  Tensor parameter = at::tensor({1.0f, 1.0f}), exp_avg = at::zeros({2}), exp_avg_sq = at::zeros({2});
  adamw_step(parameter, at::tensor({3.0f, -0.5f}), exp_avg, exp_avg_sq, {}, {.learning_rate = 0.1, .epsilon = 0.0});
  EXPECT_TRUE(at::allclose(parameter, at::tensor({0.9f, 1.1f})));
}

TEST(AdamWSteps, AreThoseOfEachParameter) {
  const KernelScope plain({.path = KernelOptions::Path::reference});
  at::manual_seed(0);
  const std::vector<double> rates = {0.9999, 0.5};
  std::vector<State> alone = {initial({3, 5}), initial({7})}, together = {alone[0].copy(), alone[1].copy()};
  const std::vector<Tensor> gradients = {at::randn({3, 5}), at::randn({7})};
  ParameterRows rows{.gradients = gradients, .averages = {{}, {}}};
  for (std::size_t i = 0; i < 2; ++i) {
    reference::adamw_step(alone[i].parameter, gradients[i], alone[i].exp_avg, alone[i].exp_avg_sq, alone[i].averages,
                          options);
    rows.parameters.push_back(together[i].parameter);
    rows.exp_avg.push_back(together[i].exp_avg);
    rows.exp_avg_sq.push_back(together[i].exp_avg_sq);
    for (std::size_t k = 0; k < 2; ++k) rows.averages[k].push_back(together[i].averages[k].average);
  }
  adamw_steps(rows, rates, options);
  for (std::size_t i = 0; i < 2; ++i) expect_equal(together[i], alone[i]);
  rows.gradients.pop_back();
  EXPECT_THROW(adamw_steps(rows, rates, options), Error);
}

TEST(AdamWStep, AgreesWithTheReferenceOverSeveralStepsOnEveryInstructionSet) {
  at::manual_seed(0);
  testing::for_each_instruction_set([] {
    for (auto type : {at::kFloat, at::kBFloat16}) {
      State fast = initial({7, 1201}), plain = fast.copy();
      for (std::int64_t step = 1; step <= 4; ++step) {
        AdamWStep now = options;
        now.step = step;
        const Tensor gradient = at::randn({7, 1201}).to(type);
        adamw_step(fast.parameter, gradient, fast.exp_avg, fast.exp_avg_sq, fast.averages, now);
        reference::adamw_step(plain.parameter, gradient, plain.exp_avg, plain.exp_avg_sq, plain.averages, now);
      }
      expect_equal(fast, plain);
    }
  });
}

TEST(AdamWStep, TakesAGradientInAnotherMemoryFormat) {
  at::manual_seed(1);
  State fast = initial({4, 3, 3, 3}), plain = fast.copy();
  const Tensor gradient = at::randn({4, 3, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  adamw_step(fast.parameter, gradient, fast.exp_avg, fast.exp_avg_sq, fast.averages, options);
  reference::adamw_step(plain.parameter, gradient, plain.exp_avg, plain.exp_avg_sq, plain.averages, options);
  expect_equal(fast, plain);
}

TEST(AdamWStep, IsSeenByConvolutionsThatRememberWeights) {
  at::manual_seed(2);
  const at::NoGradGuard no_grad;
  const Tensor x = at::randn({1, 16, 8, 8});
  State state = initial({16, 16, 3, 3});
  const auto output = [&] { return convolution(x, state.parameter, {}, {.padding = 1}); };
  const Tensor before = output();
  adamw_step(state.parameter, at::randn({16, 16, 3, 3}), state.exp_avg, state.exp_avg_sq, state.averages, options);
  EXPECT_FALSE(at::equal(before, output()));
}

TEST(AdamWStep, SaysWhatDoesNotFit) {
  State state = initial({4});
  EXPECT_THROW(adamw_step(state.parameter, at::ones({5}), state.exp_avg, state.exp_avg_sq, {}, options), Error);
  EXPECT_THROW(adamw_step(state.parameter, at::ones({4}), state.exp_avg, state.exp_avg_sq, {}, {.step = 0}), Error);
}

}  // namespace
}  // namespace iddpm::kernels
