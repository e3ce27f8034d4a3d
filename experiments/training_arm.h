#pragma once

#include <string>

#include "experiments/workbench.h"
#include "iddpm/training/presets.h"

namespace iddpm::experiments {

/// A way to train and to sample that is compared with others.
struct TrainingArm {
  std::string name;
  std::string options;     ///< as they were given
  Preset preset;           ///< with its options applied, fitted to the data
  SampleRecipe sampling;   ///< how its samples are drawn: all but the checkpoint, their number and the guide
  std::int64_t guide = 0;  ///< guided by its own checkpoint at this mark, 1 the first; 0: by none
};

/// "NAME: OPTIONS": a preset (`preset` unless --preset says another) with options of `iddpm train` that belong to the
/// network, the process and the training, --flip, --unconditional and --class-conditional; and of sampling --sampler,
/// --sample-steps, --guidance SCALE, and --guide MARK, the arm's own checkpoint at this mark as the guide. Throws Error
/// naming the arm and the option for what is unknown, out of range or without effect, and where the data aren't of the
/// preset's size.
TrainingArm parse_arm(const std::string& text, const std::string& preset, Workbench& bench);

}  // namespace iddpm::experiments
