#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/workbench.h"
#include "iddpm/training/presets.h"

namespace iddpm::experiments {

/// A run that ended with its processor time, and what it was at each mark on the way.
struct TimedRun {
  std::vector<std::filesystem::path> checkpoints;
  std::vector<double> seconds;      ///< of processor time, the reading of the data included, at each checkpoint
  std::vector<std::int64_t> steps;  ///< of each
};

/// Trains a preset until it has had each of so many seconds of processor time (ascending); a decay of its learning rate
/// ends with the last. Kept in the work folder under `name`, the seed and a hash of all that it depends on; goes on
/// where an earlier call was stopped. Throws NotFiniteError, at once if it did before, if training diverges.
TimedRun trained_for(Workbench& bench, const std::string& name, const Preset& preset, const std::vector<double>& marks);

}  // namespace iddpm::experiments
