#include "iddpm/training/adam_w.h"

namespace iddpm {

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
