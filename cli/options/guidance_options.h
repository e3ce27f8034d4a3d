#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/model/guidance.h"

namespace iddpm::cli {

/// How images are led: --guidance and what goes with it.
struct GuidanceArguments {
  std::optional<double> scale;
  std::filesystem::path guide;          ///< empty: the model itself without the class
  std::optional<std::string> interval;  ///< "LOW,HIGH"
  std::filesystem::path classifier;     ///< empty: none
  std::optional<double> classifier_scale;
};

void add_guidance_options(CLI::App& verb, GuidanceArguments& arguments, const std::string& group = "Guidance");
/// All of them: "--guidance", ...
std::vector<std::string> guidance_option_names();

/// Refuses options of these that have no effect without or beside the others, before anything is opened. Throws
/// UsageError.
void refuse_idle_guidance(const CLI::App& verb, const GuidanceArguments& arguments);

/// The guidance asked for, with the guide opened as the model was: the same kind of weights, device and precision. A
/// classifier computes in float32. Throws Error, beginning with the option, if it can't be opened or doesn't fit the
/// model, as `check_guidance` says.
Guidance chosen_guidance(const GuidanceArguments& arguments, const Model& model, const WeightOptions& weights,
                         const ComputeOptions& compute);

/// What samples.json says of it; null without any.
nlohmann::json guidance_record(const Guidance& guidance);

}  // namespace iddpm::cli
