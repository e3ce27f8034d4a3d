#pragma once

#include <string>
#include <vector>

#include "iddpm/evaluation/pixel_record.h"

namespace iddpm::cli {

/// The record as cells of a table, the header first.
std::vector<std::vector<std::string>> pixel_cells(const PixelRecord& record);

/// The same as aligned lines, the last without its end, and the remark below.
std::string pixel_table(const PixelRecord& record);

/// A sentence if the brightness is off by more than largest_brightness_difference, otherwise nothing. `when` follows
/// the samples' name: " at step 300".
std::string brightness_remark(const PixelRecord& record, const std::string& when = {});

}  // namespace iddpm::cli
