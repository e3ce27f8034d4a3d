#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/model/model_settings.h"

namespace iddpm::cli {

/// What a model of super-resolution enlarges, or which one enlarges what another draws.
struct EnlargingOptions {
  std::vector<std::string> low_resolution = {};
  std::optional<double> noise = {};
  std::filesystem::path then = {};
};

void add_enlarging_options(CLI::App& verb, EnlargingOptions& options);

/// What is enlarged, and with how much noise.
struct ChosenLowResolution {
  Tensor images = {};                ///< float32 [M, C, h, w]; undefined for a model that enlarges nothing
  std::optional<double> noise = {};  ///< where it can be chosen
};

/// The images of --low-resolution, fitted to what the model enlarges: with the noise of
/// --low-resolution-noise. Adds to
/// samples.json's settings what they are. Throws Error, naming the option, if the model enlarges images and there are
/// none, or the other way round, or a file can't be read.
ChosenLowResolution chosen_low_resolution(const EnlargingOptions& options, const ModelSettings& settings,
                                          nlohmann::json& record);

/// Throws Error, beginning with the option, unless the second model enlarges what the first draws, class by class, and
/// with the noise that was chosen.
void check_cascade(const ModelSettings& base, const ModelSettings& then, const EnlargingOptions& options);

}  // namespace iddpm::cli
