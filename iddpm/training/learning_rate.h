#pragma once

#include <cstdint>

#include "iddpm/training/training_options.h"

namespace iddpm {

/// The learning rate of the step after `steps_done`: rising linearly over the warm-up, so that its last step has the
/// full rate; then constant, or falling to 0 at decay_steps on a straight line or half a cosine (Loshchilov & Hutter
/// 2017, arXiv 1608.03983, without restarts).
double learning_rate_at(const TrainingOptions& options, std::int64_t steps_done);

}  // namespace iddpm
