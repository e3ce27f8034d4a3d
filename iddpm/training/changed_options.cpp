// Options changed in the middle of a run.

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/training/trainer_state.h"
#include "iddpm/training/training_memory.h"

namespace iddpm {
namespace {

// The average that an average of `rate` goes on from: that of the nearest rate; the weights, if there is none.
const NamedParameters& nearest_average(const std::vector<double>& rates, const std::vector<NamedParameters>& emas,
                                       const NamedParameters& weights, double rate) {
  if (rates.empty()) return weights;
  // Averages reach back over about 1 / (1 - rate) steps: nearness is that of their logarithms.
  const auto distance = [&](double other) { return std::abs(std::log1p(-rate) - std::log1p(-other)); };
  const auto nearest =
      std::min_element(rates.begin(), rates.end(), [&](double a, double b) { return distance(a) < distance(b); });
  return emas[static_cast<std::size_t>(nearest - rates.begin())];
}

NamedParameters copy_of(const NamedParameters& tensors) {
  NamedParameters copy;
  for (const auto& [name, tensor] : tensors) copy.emplace_back(name, tensor.detach().clone());
  return copy;
}

}  // namespace

void Trainer::restart_averages() {
  for (NamedParameters& ema : state_->optimizer.emas) ema = copy_of(state_->parameters);
}

void Trainer::change_options(TrainingOptions options) {
  check(options);
  State& state = *state_;
  require(options.seed == state.options.seed, "the seed of a run can't change: expected {}, got {}", state.options.seed,
          options.seed);
  require(
      options.optimizer == state.options.optimizer,
      "--optimizer: a run keeps its optimiser, whose moments mean something else to another; expected none, or a new "
      "run (from its weights, with --from)");
  check_augmentation(state.settings, options);
  if (state.network.device().is_cpu()) require_training_memory(state.settings, options, NetworkChange::impossible);
  if (options.ema_rates != state.options.ema_rates) {
    std::vector<NamedParameters> emas;
    for (const double rate : options.ema_rates) {
      emas.push_back(copy_of(nearest_average(state.options.ema_rates, state.optimizer.emas, state.parameters, rate)));
    }
    state.optimizer.emas = std::move(emas);
  }
  if (options.timesteps != state.options.timesteps) {
    state.timesteps = new_timestep_sampler(options.timesteps, state.settings.diffusion);
  }
  state.network.set_compute_type(options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat);
  state.options = std::move(options);
}

}  // namespace iddpm
