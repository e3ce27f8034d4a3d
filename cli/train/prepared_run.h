#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/model_options.h"
#include "cli/options/process_options.h"
#include "cli/options/training_flags.h"
#include "iddpm/training/run/run_lock.h"
#include "iddpm/training/run/training_run.h"

namespace iddpm::cli {

struct TrainArguments {
  const CLI::App* verb = nullptr;
  DataOptions data;
  ModelOptions model;
  TrainingFlags training;
  ComputeOptions compute;
  ProcessOptions processes;
  bool shard_optimizer = false;
  std::filesystem::path run;
  std::filesystem::path resume;
  std::filesystem::path from;
  bool dry_run = false;
  bool json = false;
  bool overwrite = false;
  std::string launch;      ///< the launch of processes that this is part of, if it has a name
  bool restarted = false;  ///< a new run, started again by its launcher, that goes on from its checkpoint

  /// Whether an option ("--split") was given.
  bool given(const std::string& option) const { return verb->get_option(option)->count() > 0; }
};

/// A run about to begin or to go on. Whatever can be refused has been; nothing has been written but the lock.
struct PreparedRun {
  std::filesystem::path folder;  ///< empty for a dry run
  std::optional<RunLock> lock;
  RunRecord record;
  RunOptions session;             ///< the record's, but for what only this session does otherwise
  std::vector<std::string> said;  ///< what is to be announced besides
  std::shared_ptr<const Dataset> dataset;
  Trainer trainer;
  bool replaces = false;  ///< the run that is in the folder
};

PreparedRun prepare_new_run(const TrainArguments& arguments);
PreparedRun prepare_resumed_run(const TrainArguments& arguments);

/// What to do when the launcher has started all processes again after one died: to go on with the run that the same
/// command began, if it has a checkpoint, else to begin it anew.
TrainArguments started_again(TrainArguments arguments);

/// The run's own data again, or others, whose classes are taken by name: none may be new.
std::shared_ptr<const Dataset> open_for_model(const ModelSettings& model, bool other_data, RunRecord& record,
                                              std::vector<std::string>& said);

/// What a run's record says of its data.
nlohmann::json summary_of(const Dataset& dataset, const std::filesystem::path& path);

/// Sets the number of threads to what was asked for, else to what the run was trained with by as many processes, and
/// returns it.
std::int64_t settle_threads(const ComputeOptions& compute, const RunOptions& recorded);

/// Makes a run folder ready under its lock: an earlier run that was being replaced when the program was killed is put
/// back, and temporary files are swept. What there is to say of it goes to `said`.
void tidy_run_folder(const std::filesystem::path& folder, std::vector<std::string>& said);

}  // namespace iddpm::cli
