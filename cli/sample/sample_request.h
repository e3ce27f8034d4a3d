#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/sample/sample_arguments.h"
#include "iddpm/model/draw.h"

namespace iddpm::cli {

/// What the command line asks the library for; `edit` and `low_resolution` are its files, read. Throws Error naming the
/// option that doesn't fit the model.
DrawRequest draw_request(const SampleArguments& arguments, const Model& model, const ChosenEdit& edit,
                         const ChosenLowResolution& low_resolution);

/// --out, or a folder named by the model, what sampling begins at and the seed.
std::filesystem::path output_folder(const SampleArguments& arguments, const ChosenEdit& edit);

/// All that the images depend on, for samples.json.
nlohmann::json settings_of(const SampleArguments& arguments, const DrawRequest& request, const Model& model,
                           const ChosenEdit& edit, const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm::cli
