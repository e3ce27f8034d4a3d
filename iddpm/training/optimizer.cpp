#include "iddpm/training/optimizer.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/kernels/optimizer_step.h"

namespace iddpm {

double ema_rate_at(double rate, std::int64_t steps_done, bool warmup) {
  const auto steps = static_cast<double>(steps_done);
  return warmup ? std::min(rate, (1.0 + steps) / (10.0 + steps)) : rate;
}

OptimizerState new_optimizer_state(const NamedParameters& parameters, std::size_t emas) {
  OptimizerState state;
  state.emas.resize(emas);
  for (const auto& [name, parameter] : parameters) {
    const Tensor detached = parameter.detach();
    state.exp_avg.emplace_back(name, at::zeros_like(detached));
    state.exp_avg_sq.emplace_back(name, at::zeros_like(detached));
    for (NamedParameters& ema : state.emas) ema.emplace_back(name, detached.clone());
  }
  return state;
}

void optimizer_step(const NamedParameters& parameters, OptimizerState& state, const OptimizerStep& step) {
  require(step.ema_rates.size() == state.emas.size(), "optimizer_step: expected {} EMA rates, got {}",
          state.emas.size(), step.ema_rates.size());
  const kernels::AdamWStep options = {.step = step.steps_done + 1,
                                      .learning_rate = step.learning_rate,
                                      .weight_decay = step.weight_decay,
                                      .gradient_factor = step.gradient_factor};
  std::vector<kernels::EmaTarget> targets(state.emas.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!state.exp_avg[i].second.defined()) continue;
    Tensor parameter = parameters[i].second;
    const Tensor gradient = parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter.detach());
    for (std::size_t k = 0; k < targets.size(); ++k) {
      targets[k] = {.average = state.emas[k][i].second, .rate = step.ema_rates[k]};
    }
    kernels::adamw_step(parameter, gradient, state.exp_avg[i].second, state.exp_avg_sq[i].second, targets, options);
  }
}

AdamW::AdamW(NamedParameters parameters, AdamWOptions options)
    : parameters_(std::move(parameters)), options_(options), state_(new_optimizer_state(parameters_, 0)) {}

void AdamW::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

void AdamW::step() {
  optimizer_step(parameters_, state_,
                 {.steps_done = steps_done_++,
                  .learning_rate = options_.learning_rate,
                  .weight_decay = options_.weight_decay,
                  .gradient_factor = 1.0,
                  .ema_rates = {}});
}

}  // namespace iddpm
