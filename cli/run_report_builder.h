#pragma once

#include <filesystem>

namespace iddpm::cli {

/// Writes RUN/report.html from what the run folder holds: its log, sample grids, settings, evaluation, a noising strip
/// of a training image.
std::filesystem::path write_run_report(const std::filesystem::path& run_folder);

}  // namespace iddpm::cli
