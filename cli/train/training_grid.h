#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "cli/terminal/progress_bar.h"
#include "cli/train/prepared_run.h"
#include "iddpm/io/image_file.h"

namespace iddpm::cli {

/// Samples of a run in training as a picture, RUN/samples/step_NNNNNNNN.png, saying if their brightness is off. Where
/// processes train together each draws its share and rank 0 writes. Nothing that is wrong with it ends the training; if
/// that is to stop, it doesn't wait for the picture.
std::optional<Image> training_grid(PreparedRun& run, std::int64_t step, const std::atomic<bool>& stop,
                                   ProgressBar& bar);

}  // namespace iddpm::cli
