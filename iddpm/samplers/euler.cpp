#include "iddpm/samplers/euler.h"

namespace iddpm {

EulerSampler::EulerSampler(ChurnOptions churn) : churn_(churn) { check(churn); }

LevelStep EulerSampler::new_step() const {
  return [options = churn_](const LevelWalk& walk, const Tensor& x_k, std::int64_t k) {
    const auto [x, from] = churned(options, walk, x_k, k);
    const Tensor x_0 = walk.x_0(x, from);
    return SingleStepResult{.x = first_order_step(x, x_0, walk.level(from), walk.level(k + 1)), .x_0 = x_0};
  };
}

SamplerEntry euler_entry() {
  return {.name = "euler",
          .help = "first order; with churn EDM's stochastic sampler of that order",
          .paper = "Karras et al. 2022, arXiv 2206.00364",
          .options = churn_entry_options(),
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<EulerSampler>(churn_options(options));
          },
          .usual_steps = 50};
}

}  // namespace iddpm
