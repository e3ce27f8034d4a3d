#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/training/trainer.h"

namespace iddpm {

/// When a run ends and what it does on the way.
struct RunOptions {
  std::optional<std::int64_t> steps;  ///< in all, those before a resume included
  std::optional<double> minutes;      ///< of this session
  std::int64_t log_every = 10;
  std::int64_t checkpoint_every = 1000;
  double checkpoint_minutes = 10;            ///< and at least this often
  std::int64_t keep_checkpoints = 3;         ///< older ones are deleted; 0: keep all
  std::vector<std::int64_t> sample_at = {};  ///< steps at which samples are drawn, beside `sample_every`
  std::int64_t sample_every = 1000;          ///< 0: never
  std::int64_t workers = 1;
  bool strict = false;
};

/// What a run folder remembers (RUN/run.json): enough for `--resume` to need nothing else.
struct RunRecord {
  std::filesystem::path data;
  DatasetOptions data_options;
  RunOptions run;
  nlohmann::json dataset_summary = nullptr;
  std::string preset;
};
void save_run_record(const std::filesystem::path& run_folder, const RunRecord& record);
RunRecord load_run_record(const std::filesystem::path& run_folder);

enum class RunEnd { steps_done, time_over, interrupted };

/// Called by a run as it goes; all optional.
struct RunObserver {
  std::function<void(const StepResult&, double images_per_second, double fraction_done)> on_step;
  std::function<void(std::int64_t step)> on_sample;  ///< time to draw samples; the trainer is between steps
  std::function<void(const std::filesystem::path&)> on_checkpoint;
  std::function<void(const std::string&)> on_skipped_image;
};

/// Trains in a run folder until an end is reached or `stop` becomes true (the step under way is finished first), then
/// saves. Writes checkpoints/step_NNNNNNNN.safetensors, log.jsonl and TensorBoard files. A loss that isn't finite is an
/// Error that names the last good checkpoint and what to try; nothing is saved over it.
RunEnd train(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const std::filesystem::path& run_folder,
             const RunOptions& options, const RunObserver& observer, const std::atomic<bool>& stop);

}  // namespace iddpm
