#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>

#include "cli/options/compute_options.h"
#include "iddpm/processes/process_group.h"

namespace iddpm::cli {

/// How a verb works together with other processes: --process-timeout, --process-backend.
struct ProcessOptions {
  double timeout = 300;
  std::string backend = "auto";
};

void add_process_options(CLI::App& verb, ProcessOptions& options);

/// Refuses what has no effect in a process alone.
void refuse_idle_process_options(const CLI::App& verb, const ProcessPlace& place);

/// Calls `work` with the group of all processes that were started together (docs/scaling.md), of which this may be the
/// only one; `compute` is then set to this process's device and share of the cores. Standard error is rank 0's. If work
/// fails, the others learn why; if another process is lost, this one ends.
void work_together(const ProcessOptions& options, ComputeOptions& compute,
                   const std::function<void(const std::shared_ptr<ProcessGroup>&)>& work);

}  // namespace iddpm::cli
