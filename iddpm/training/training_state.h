#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/io/safetensors.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// Steps that updated nothing, since their loss or gradient was not finite.
struct SkippedSteps {
  std::int64_t all = 0;       ///< since the start of the run
  std::int64_t in_a_row = 0;  ///< the last ones
};

/// What lies beside a model file so that training can go on exactly (docs/checkpoint_format.md).
struct TrainingState {
  TrainingOptions options = {};
  std::int64_t step = 0;
  std::int64_t examples_seen = 0;
  SkippedSteps skipped = {};
  double seconds_trained = 0;  ///< kept where a decay or the run's end goes by it
  NamedTensors exp_avg = {};   ///< under the parameters' names
  NamedTensors exp_avg_sq = {};
  std::vector<double> timestep_history = {};  ///< of the timestep sampler
};

/// Writes the state beside the model file that will be `checkpoint`, with `raw` as its weights.
void save_training_state(const std::filesystem::path& checkpoint, const TrainingState& state,
                         const NamedParameters& raw);

/// The newest checkpoint of a run from which training can go on: model file and training state whole. Broken ones are
/// passed over, with the reason of each added to `skipped`. Throws Error if there is none.
std::filesystem::path find_resumable_checkpoint(const std::filesystem::path& run_folder,
                                                std::vector<std::string>* skipped = nullptr);

/// Whether training can go on from a checkpoint: model file and training state whole. Reads both.
bool is_resumable(const std::filesystem::path& checkpoint);

/// The state beside a model file. Throws Error if it is missing, damaged, or belongs to another model file.
TrainingState read_training_state(const Checkpoint& checkpoint);

}  // namespace iddpm
