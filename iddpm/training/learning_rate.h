#pragma once

#include <cstdint>
#include <optional>

#include "iddpm/training/training_options.h"

namespace iddpm {

/// How much of the decay is behind a run, 0 .. 1: of its steps after the warm-up or of its minutes, whichever is more.
/// 0 without decay.
double decay_progress(const TrainingOptions& options, std::int64_t steps_done, double seconds_trained);

/// The learning rate of the step after `steps_done` steps and `seconds_trained`: rising linearly over the warm-up, so
/// that its last step has the full rate; then constant, or falling to 0 at the end of the decay on a straight line or
/// half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts).
double learning_rate_at(const TrainingOptions& options, std::int64_t steps_done, double seconds_trained = 0);

/// Ends the decay where a run ends: at `steps` in all, or after `minutes` more, or at whichever comes first.
void end_decay_with_run(TrainingOptions& options, std::optional<std::int64_t> steps, std::optional<double> minutes,
                        double seconds_trained);

}  // namespace iddpm
