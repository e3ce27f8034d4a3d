#pragma once

#include <filesystem>
#include <vector>

#include "iddpm/report/run_report.h"

namespace iddpm::cli {

/// The previews and films of all finished samples below a run's "samples" folder that began at images or lie between
/// others, or of which there is a film, by the folder's name. What isn't as `iddpm sample` leaves it is passed over.
std::vector<EditedSamples> edited_samples(const std::filesystem::path& samples);

}  // namespace iddpm::cli
