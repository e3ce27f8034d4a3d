#pragma once

#include <memory>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/trainer.h"

namespace iddpm::cli {

/// Trains a few steps and says what a whole run would take: parameters, memory, seconds per step, the expected end.
std::string dry_run(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const RunOptions& run);

/// Largest resident memory of this process so far, in bytes.
double peak_memory_bytes();

}  // namespace iddpm::cli
