#pragma once

#include <cstdint>

#include "iddpm/model/model_settings.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// What training needs, in bytes: an estimate from the options alone, with nothing allocated. Temporary results and the
/// libraries themselves come on top.
struct TrainingMemory {
  std::int64_t parameters = 0;
  std::int64_t gradients = 0;
  std::int64_t optimizer = 0;  ///< both moments
  std::int64_t averages = 0;   ///< one set per EMA rate
  std::int64_t activations = 0;

  std::int64_t total() const { return parameters + gradients + optimizer + averages + activations; }
};
TrainingMemory estimate_training_memory(const ModelSettings& settings, const TrainingOptions& options);

}  // namespace iddpm
