#include "iddpm/training/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace iddpm {

double learning_rate_at(const TrainingOptions& options, std::int64_t steps_done) {
  const double full = options.learning_rate;
  if (steps_done < options.warmup_steps) {
    return full * static_cast<double>(steps_done + 1) / static_cast<double>(options.warmup_steps);
  }
  if (options.decay == LearningRateDecay::none) return full;
  const double progress = std::clamp(static_cast<double>(steps_done - options.warmup_steps) /
                                         static_cast<double>(options.decay_steps - options.warmup_steps),
                                     0.0, 1.0);
  if (options.decay == LearningRateDecay::linear) return full * (1.0 - progress);
  return full * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace iddpm
