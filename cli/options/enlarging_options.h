#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "iddpm/model/model_settings.h"

namespace iddpm::cli {

/// What a model of super-resolution enlarges, or which one enlarges what another draws.
struct EnlargingOptions {
  std::vector<std::string> low_resolution = {};
  std::filesystem::path then = {};
};

void add_enlarging_options(CLI::App& verb, EnlargingOptions& options);

/// The images of --low-resolution, fitted to what the model enlarges: float32 [M, C, h, w]; undefined without. Adds to
/// samples.json's settings what they are. Throws Error, naming the option, if the model enlarges images and there are
/// none, or the other way round, or a file can't be read.
Tensor chosen_low_resolution(const EnlargingOptions& options, const ModelSettings& settings, nlohmann::json& record);

/// Throws Error, beginning with --then, unless the second model enlarges what the first draws, class by class.
void check_cascade(const ModelSettings& base, const ModelSettings& then);

}  // namespace iddpm::cli
