#pragma once

#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/training_flags.h"
#include "iddpm/training/run/run_record.h"
#include "iddpm/training/trainer.h"

namespace iddpm::cli {

/// Where a run stands that goes on.
struct ResumePoint {
  std::int64_t step = 0;
  double seconds_logged = 0;  ///< of training, by its log
};

/// Applies what the command line says to a run that goes on (docs/resuming.md): to the trainer, and to the record,
/// whose `training` becomes what is in force. What changes is added to `said`, a sentence each. Returns the options of
/// this session: the record's, but no more minutes than are left of a decay that goes on as it was. Throws Error naming
/// an option that can't change, or is out of range; the trainer is then unchanged.
RunOptions apply_to_resumed(const TrainingFlags& flags, const ComputeOptions& compute, const ResumePoint& point,
                            RunRecord& record, Trainer& trainer, std::vector<std::string>& said);

}  // namespace iddpm::cli
