#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/model/edit.h"

namespace iddpm::cli {

/// What sampling begins at instead of noise: --from-image, --interpolate and what belongs to them.
struct EditingOptions {
  std::vector<std::string> from_image = {};
  std::optional<double> strength = {};
  std::filesystem::path mask = {};
  std::optional<std::int64_t> resample = {};
  std::optional<std::int64_t> jump = {};
  std::vector<std::string> interpolate = {};
};

void add_editing_options(CLI::App& verb, EditingOptions& options);

/// Throws UsageError for an option that would have no effect beside those given, and for an interpolation with one end.
void refuse_idle_editing(const CLI::App& verb, const EditingOptions& options);

/// The options with their files read.
struct ChosenEdit {
  std::optional<ImageEdit> edit = {};
  std::optional<Interpolation> interpolation = {};
  /// Of an object, for samples.json: every key is there whatever was asked for, those without meaning null.
  nlohmann::json settings = {};
  std::string folder_name = {};  ///< for samples without a folder named; empty: as for samples from noise
};

/// Throws Error, naming the option, if a file can't be read or doesn't fit.
ChosenEdit chosen_edit(const EditingOptions& options, const ModelSettings& settings);

/// How many images, if nothing says so: 9 of an interpolation, one of each of several images, otherwise 16.
std::int64_t default_count(const ChosenEdit& chosen);

/// What an edit does to the steps, for people; empty without one.
std::string describe_edit(const ChosenEdit& chosen, const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm::cli
