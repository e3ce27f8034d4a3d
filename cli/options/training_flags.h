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
  std::optional<double> processor_minutes;
  FieldOptions training;  ///< of TrainingOptions
  bool flip = false;
  bool strict = false;
  std::optional<std::int64_t> workers;
  std::optional<std::int64_t> log_every;
  std::optional<std::int64_t> checkpoint_every;
  std::optional<std::int64_t> keep_checkpoints;
  std::optional<std::int64_t> sample_every;

  bool give_an_end() const { return steps || minutes || processor_minutes; }
};

void add_training_flags(CLI::App& verb, TrainingFlags& flags);

/// Overrides what the flags say. Without --steps, --minutes or --processor-minutes a run is ten minutes
/// long.
void apply(const TrainingFlags& flags, TrainingOptions& training, RunOptions& run);

}  // namespace iddpm::cli
