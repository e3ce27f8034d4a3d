#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// When a run ends and what it does on the way.
struct RunOptions {
  std::optional<std::int64_t> steps = {};  ///< in all, those before a resume included
  std::optional<double> minutes = {};      ///< of this session
  std::int64_t log_every = 10;
  std::int64_t checkpoint_every = 1000;
  double checkpoint_minutes = 10;            ///< and at least this often
  std::int64_t keep_checkpoints = 3;         ///< older ones are deleted; 0: keep all
  std::vector<std::int64_t> sample_at = {};  ///< steps at which samples are drawn, beside `sample_every`
  std::int64_t sample_every = 1000;          ///< 0: never
  std::int64_t workers = 1;
  bool strict = false;
  std::int64_t threads = 0;    ///< that compute, in each process; sums depend on their number. 0: not known
  std::int64_t processes = 1;  ///< that train together
};
/// Throws Error naming the first option out of range. Without steps and minutes a run goes on until it is stopped.
void check(const RunOptions& options);

/// What a run folder remembers (RUN/run.json): enough for `--resume` to need nothing else.
struct RunRecord {
  std::filesystem::path data;
  DatasetOptions data_options;
  RunOptions run;
  nlohmann::json dataset_summary = nullptr;
  std::string preset;
  /// In force from now on; unset: those of the checkpoint. Options that change in the middle of a run are here at once,
  /// and in its next checkpoint.
  std::optional<TrainingOptions> training = {};
  std::string launch = {};  ///< the launch (ProcessPlace) that began it; empty: not known
};
/// Written atomically; the folder is made if need be.
void save_run_record(const std::filesystem::path& run_folder, const RunRecord& record);
/// Throws Error if it is missing, broken, or says what can't be.
RunRecord load_run_record(const std::filesystem::path& run_folder);

/// The file's contents; and the record that they hold, `where` begins errors.
std::string run_record_text(const RunRecord& record);
RunRecord parse_run_record(const std::string& text, const std::string& where);

/// RUN/run.json.
std::filesystem::path run_record_path(const std::filesystem::path& run_folder);

}  // namespace iddpm
