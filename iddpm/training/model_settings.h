#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "iddpm/diffusion/settings.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// All that defines a model besides its weights.
struct ModelSettings {
  UNetOptions network;
  DiffusionSettings diffusion;
  std::vector<std::string> class_names;  ///< one per class of the network, or empty

  bool operator==(const ModelSettings&) const = default;
};

void to_json(nlohmann::json& json, const ModelSettings& settings);
/// Strict, and throws Error if the parts contradict each other.
void from_json(const nlohmann::json& json, ModelSettings& settings);

/// The class of that name (or number, "3"). Throws Error listing the nearest or all names if there is none, or if the
/// model has no classes.
std::int64_t class_index(const ModelSettings& settings, const std::string& name);

}  // namespace iddpm
