#pragma once

#include <optional>
#include <string>

#include "iddpm/model/model.h"
#include "iddpm/samplers/data_start.h"

namespace iddpm::cli {

/// Help of --start in the verbs that draw samples.
inline constexpr const char* start_help =
    "Where sampling begins: noise; or 'data', a little later, with noise of the mean and spread of the training "
    "images, "
    "or a folder of such images to measure: for models that predict epsilon and draw far too bright (noise)";

/// What --start says: nothing for pure noise. Throws Error if the model doesn't know its training images' pixels, or
/// the images named can't be read.
std::optional<DataStart> chosen_start(const std::string& start, const Model& model);

}  // namespace iddpm::cli
