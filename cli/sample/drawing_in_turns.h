#pragma once

#include <functional>

#include "iddpm/model/draw.h"
#include "iddpm/processes/process_group.h"

namespace iddpm::cli {

/// `draw`, by several processes: each draws every so-many-th batch, and rank 0 is given all of them, in their order and
/// as soon as a batch of each process is done. Images don't depend on the number of processes.
void draw_in_turns(const Model& model, DrawRequest request, ProcessGroup& group,
                   const std::function<void(const DrawnBatch&)>& on_batch, const ProgressCallback& progress,
                   const std::function<void(const DrawingStep&)>& on_step);

}  // namespace iddpm::cli
