#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/io/image_file.h"
#include "iddpm/training/run/run_record.h"
#include "iddpm/training/trainer.h"

namespace iddpm {

enum class RunEnd { steps_done, time_over, interrupted };

/// Called by a run as it goes; all optional.
struct RunObserver {
  std::function<void(const StepResult&, double images_per_second, double fraction_done)> on_step = {};
  /// Time to draw samples; the trainer is between steps. The picture, if any, goes to the TensorBoard files.
  std::function<std::optional<Image>(std::int64_t step)> on_sample = {};
  std::function<void(const std::filesystem::path&)> on_checkpoint = {};
  std::function<void(const std::string&)> on_skipped_image = {};
};

/// Trains in a run folder until an end is reached or `stop` becomes true (the step under way is finished first), then
/// saves, unless it was stopped before its first step. Writes checkpoints/step_NNNNNNNN.safetensors, log.jsonl and
/// TensorBoard files; checkpoints say of their origin what run.json says of data and preset. Steps whose loss or
/// gradient isn't finite are skipped and counted; too many in a row (Trainer::step) are an Error that names the last
/// good checkpoint and what to try; nothing is saved over it. An Error while saving (a full disk) leaves the
/// checkpoints there are. A trainer that trains together with other processes is called so by all of them: rank 0
/// writes, the clock is rank 0's, `stop` of any stops all, and the observers are called everywhere.
RunEnd train(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const std::filesystem::path& run_folder,
             const RunOptions& options, const RunObserver& observer, const std::atomic<bool>& stop);

}  // namespace iddpm
