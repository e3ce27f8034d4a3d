#include "iddpm/samplers/heun.h"

namespace iddpm {
namespace {

// Whether the step from one level to another is corrected.
bool is_corrected(const HeunOptions& options, const NoiseLevel& from, const NoiseLevel& to) {
  return !to.is_clean() && from.alpha > 0.0 && from.ratio() <= options.greatest_fall * to.ratio();
}

}  // namespace

HeunSampler::HeunSampler(HeunOptions options) : options_(options) { check(options.churn); }

std::int64_t HeunSampler::evaluations(const ForwardProcess& q) const {
  const std::vector<NoiseLevel> levels = noise_levels(q.schedule());
  std::int64_t count = q.steps();
  for (std::size_t k = 0; k + 1 < levels.size(); ++k) {
    if (is_corrected(options_, levels[k], levels[k + 1])) ++count;
  }
  return count;
}

LevelStep HeunSampler::new_step() const {
  return [options = options_](const LevelWalk& walk, const Tensor& x_k, std::int64_t k) {
    const auto [x, noisy] = churned(options.churn, walk, x_k, k);
    const NoiseLevel& from = walk.level(noisy);
    const NoiseLevel& to = walk.level(k + 1);
    const Tensor x_0 = walk.x_0(x, noisy);
    Tensor next = first_order_step(x, x_0, from, to);
    if (is_corrected(options, walk.level(k), to)) {
      const Tensor epsilon_there = epsilon_at(to, next, walk.x_0(next, k + 1));
      next = next + epsilon_weight(from, to) * 0.5 * (epsilon_there - epsilon_at(from, x, x_0));
    }
    return SingleStepResult{.x = next, .x_0 = x_0};
  };
}

SamplerEntry heun_entry() {
  return {.name = "heun",
          .help = "second order by two evaluations a step; with churn EDM's stochastic sampler",
          .paper = "Karras et al. 2022, arXiv 2206.00364",
          .options = churn_entry_options(),
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<HeunSampler>(HeunOptions{.churn = churn_options(options)});
          },
          .usual_steps = 10};
}

}  // namespace iddpm
