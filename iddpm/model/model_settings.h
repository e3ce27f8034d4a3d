#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "iddpm/diffusion/settings.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// All that defines a model besides its weights.
struct ModelSettings {
  UNetOptions network = {};
  DiffusionSettings diffusion = {};
  std::vector<std::string> class_names = {};  ///< one per class of the network, or empty

  bool operator==(const ModelSettings&) const = default;
};

/// Throws Error if a part is out of range or the parts contradict each other: a learned variance and a network that
/// doesn't predict one, L_hybrid with a fixed variance, a weight of a squared error that there isn't, as many class
/// names as there aren't classes.
void check(const ModelSettings& settings);

void to_json(nlohmann::json& json, const ModelSettings& settings);
/// Strict, and checked.
void from_json(const nlohmann::json& json, ModelSettings& settings);
/// The same of a model file of an older format: fields that it lacks are what it means by that.
ModelSettings model_settings_of(const nlohmann::json& json, std::int64_t format);

/// The class of that name (upper and lower case distinguished only where they must be) or number ("3", unless that is a
/// name). Throws Error listing the nearest or all names if there is none, or if the model has no classes.
std::int64_t class_index(const ModelSettings& settings, const std::string& name);

}  // namespace iddpm
