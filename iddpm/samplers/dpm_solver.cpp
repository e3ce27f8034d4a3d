#include "iddpm/samplers/dpm_solver.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Of so few steps the last are of lower order.
constexpr std::int64_t few_steps = 15;

std::int64_t order_of_step(std::int64_t order, const LevelWalk& walk, std::int64_t k) {
  const bool few = walk.steps() < few_steps;
  const std::int64_t left = walk.steps() - k;
  if (left == 1 && (few || walk.ends_clean(k))) return 1;
  if (left == 2 && few) order = std::min<std::int64_t>(order, 2);
  return std::min(order, k + 1);
}

// From x at level k; x_0[i] is what was predicted i steps ago.
Tensor solver_step(const DpmSolverOptions& options, const LevelWalk& walk, const Tensor& x, std::int64_t k,
                   const std::deque<Tensor>& x_0) {
  const NoiseLevel& from = walk.level(k);
  const NoiseLevel& to = walk.level(k + 1);
  const std::int64_t order = order_of_step(options.order, walk, k);
  const double h = to.lambda() - from.lambda();
  const double decay = options.stochastic ? 2.0 * h : h;
  const double p = -std::expm1(-decay);  // phi_1: all of the weight that x_0 gets
  Tensor next = (to.sigma / from.sigma * (options.stochastic ? std::exp(-h) : 1.0)) * x + to.alpha * p * x_0[0];
  if (options.stochastic && to.sigma > 0.0) {
    next = next + to.sigma * std::sqrt(-std::expm1(-2.0 * h)) * walk.noise(k);
  }
  if (order == 1) return next;

  const double r0 = (from.lambda() - walk.level(k - 1).lambda()) / h;  // infinite after a level without signal
  const Tensor slope = (x_0[0] - x_0[1]) / r0;
  const double second = 1.0 - p / decay;  // phi_2
  if (order == 2) return next + to.alpha * (options.heun ? second : p / 2.0) * slope;

  const double r1 = (walk.level(k - 1).lambda() - walk.level(k - 2).lambda()) / h;
  const Tensor earlier_slope = (x_0[1] - x_0[2]) / r1;
  const Tensor change = slope - earlier_slope;
  const double third = (decay - p) / (decay * decay) - 0.5;  // -phi_3
  return next + to.alpha * second * (slope + r0 / (r0 + r1) * change) - to.alpha * third / (r0 + r1) * change;
}

SamplerEntry entry(std::string name, std::string help, std::unique_ptr<Sampler> (*make)(const SamplerOptions&)) {
  return {.name = std::move(name),
          .help = std::move(help),
          .paper = "Lu et al. 2022, arXiv 2211.01095",
          .options = {{.name = "order", .otherwise = 2, .least = 1, .greatest = 3}},
          .make = make,
          .multistep = true};
}

}  // namespace

DpmSolverSampler::DpmSolverSampler(DpmSolverOptions options) : options_(options) {
  require(options.order >= 1 && options.order <= 3, "DPM-Solver++: expected an order of 1 to 3, got {}", options.order);
}

LevelStep DpmSolverSampler::new_step() const {
  return [options = options_, history = std::deque<Tensor>()](const LevelWalk& walk, const Tensor& x,
                                                              std::int64_t k) mutable {
    history.push_front(walk.x_0(x, k));
    if (static_cast<std::int64_t>(history.size()) > options.order) history.pop_back();
    return SingleStepResult{.x = solver_step(options, walk, x, k, history), .x_0 = history.front()};
  };
}

SamplerEntry dpm_solver_entry() {
  return entry("dpm++", "DPM-Solver++, few steps without noise",
               [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
                 return std::make_unique<DpmSolverSampler>(DpmSolverOptions{.order = options.order.value_or(2)});
               });
}

SamplerEntry stochastic_dpm_solver_entry() {
  SamplerEntry stochastic =
      entry("dpm++-sde", "the same with noise", [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
        return std::make_unique<DpmSolverSampler>(
            DpmSolverOptions{.order = options.order.value_or(2), .stochastic = true});
      });
  stochastic.usual_steps = 50;
  return stochastic;
}

}  // namespace iddpm
