#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "iddpm/io/safetensors.h"
#include "iddpm/training/checkpoint.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// What lies beside a model file so that training can go on exactly (docs/checkpoint_format.md).
struct TrainingState {
  TrainingOptions options = {};
  std::int64_t step = 0;
  std::int64_t examples_seen = 0;
  NamedTensors exp_avg = {};  ///< under the parameters' names
  NamedTensors exp_avg_sq = {};
  std::vector<double> timestep_history = {};  ///< of the timestep sampler
};

/// Writes the state beside the model file that will be `checkpoint`, with `raw` as its weights.
void save_training_state(const std::filesystem::path& checkpoint, const TrainingState& state,
                         const NamedParameters& raw);

/// The state beside a model file. Throws Error if it is missing, damaged, or belongs to another model file.
TrainingState read_training_state(const Checkpoint& checkpoint);

}  // namespace iddpm
