#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>

#include "cli/options/field_options.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/trainer.h"

namespace iddpm::cli {

/// What the command line says of training; unset: the preset's choice.
struct TrainingFlags {
  std::optional<std::int64_t> steps;
  std::optional<double> minutes;
  FieldOptions training;  ///< of TrainingOptions
  bool flip = false;
  bool strict = false;
  std::optional<std::int64_t> workers;
  std::optional<std::int64_t> log_every;
  std::optional<std::int64_t> checkpoint_every;
  std::optional<std::int64_t> keep_checkpoints;
  std::optional<std::int64_t> sample_every;
};

void add_training_flags(CLI::App& verb, TrainingFlags& flags);

/// Overrides what the flags say. Without --steps or --minutes a run is ten minutes long.
void apply(const TrainingFlags& flags, TrainingOptions& training, RunOptions& run);
/// Lets the learning rate's decay of a resumed run end where the run now ends, if that was asked for or if the decay is
/// over (or else all would be trained at a rate of 0), and says so. Returns the options of this session: `run`, but no
/// more minutes than are left of a decay that goes on as it was.
RunOptions apply_to_resumed_decay(const TrainingFlags& flags, const RunOptions& run, double seconds_logged,
                                  Trainer& trainer, std::vector<std::string>& said);
/// For a run that goes on: only how long, and what is written.
void apply_run_length(const TrainingFlags& flags, RunOptions& run);

}  // namespace iddpm::cli
