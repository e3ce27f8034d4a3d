#pragma once

#include <memory>

#include "cli/train/prepared_run.h"
#include "iddpm/processes/process_group.h"

namespace iddpm::cli {

/// A run prepared by rank 0 with `prepare`, and the same run at the other processes, which take everything from rank 0
/// but the images: those they open themselves, under the same path. `prepare` is called by rank 0 only. Throws Error if
/// a process finds other images.
PreparedRun prepare_together(const TrainArguments& arguments, const std::shared_ptr<ProcessGroup>& group,
                             const std::function<PreparedRun()>& prepare);

}  // namespace iddpm::cli
