#pragma once

#include <filesystem>
#include <memory>

#include "iddpm/data/dataset.h"

namespace iddpm::cli {

/// Writes RUN/report.html from what the run folder holds: its log, sample grids, settings, evaluation, a noising strip
/// of a training image, from the data set if it is open already, and samples beside the nearest training images, which
/// are drawn for it if `may_draw` and there are none of the newest checkpoint.
std::filesystem::path write_run_report(const std::filesystem::path& run_folder,
                                       std::shared_ptr<const Dataset> dataset = nullptr, bool may_draw = true);

}  // namespace iddpm::cli
