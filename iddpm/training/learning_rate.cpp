#include "iddpm/training/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iddpm {

double decay_progress(const TrainingOptions& options, std::int64_t steps_done, double seconds_trained) {
  if (options.decay == LearningRateDecay::none) return 0;
  double progress = 0;
  if (options.decay_steps > 0) {
    const std::int64_t warm = options.warmup_from + options.warmup_steps;
    progress = static_cast<double>(steps_done - warm) / static_cast<double>(options.decay_steps - warm);
  }
  if (options.decay_minutes > 0) progress = std::max(progress, seconds_trained / (60 * options.decay_minutes));
  return std::clamp(progress, 0.0, 1.0);
}

double learning_rate_at(const TrainingOptions& options, std::int64_t steps_done, double seconds_trained) {
  double full = options.learning_rate;
  const std::int64_t warming = steps_done - options.warmup_from;
  if (warming >= 0 && warming < options.warmup_steps) {
    full = full * static_cast<double>(warming + 1) / static_cast<double>(options.warmup_steps);
  }
  if (options.decay == LearningRateDecay::none) return full;
  const double progress = decay_progress(options, steps_done, seconds_trained);
  if (options.decay == LearningRateDecay::linear) return full * (1.0 - progress);
  return full * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

void end_decay_with_run(TrainingOptions& options, std::optional<std::int64_t> steps, std::optional<double> minutes,
                        double seconds_trained) {
  if (options.decay == LearningRateDecay::none) return;
  options.decay_steps = steps.value_or(0);
  options.decay_minutes = minutes ? seconds_trained / 60 + *minutes : 0;
}

}  // namespace iddpm
