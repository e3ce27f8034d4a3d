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
  std::int64_t images = 0;  ///< the batch, its noise and the batch that is read meanwhile

  /// What doesn't depend on the batch.
  std::int64_t fixed() const { return parameters + gradients + optimizer + averages; }
  std::int64_t total() const { return fixed() + activations + images; }
};
TrainingMemory estimate_training_memory(const ModelSettings& settings, const TrainingOptions& options);

/// Whether the settings of a network may still be changed.
enum class NetworkChange { possible, impossible };
/// Throws Error of kind out_of_memory if that is more than the memory limit, naming options with which it would fit.
void require_training_memory(const ModelSettings& settings, const TrainingOptions& options,
                             NetworkChange change = NetworkChange::possible);

}  // namespace iddpm
