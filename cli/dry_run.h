#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/trainer.h"
#include "iddpm/training/training_memory.h"

namespace iddpm::cli {

/// What a whole run would take.
struct DryRun {
  std::int64_t parameters = 0;
  TrainingMemory memory = {};  ///< estimated
  double peak_memory_bytes = 0;
  double seconds_per_step = 0;
  double images_per_second = 0;
  std::int64_t steps = 0;  ///< that are still to be done
  double seconds = 0;      ///< of the whole run
};
/// Trains a few steps to find it out.
DryRun dry_run(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const RunOptions& run);

/// For people, with the expected end.
std::string table(const DryRun& result);
void to_json(nlohmann::json& json, const DryRun& result);

/// Largest resident memory of this process so far, in bytes.
double peak_memory_bytes();

}  // namespace iddpm::cli
