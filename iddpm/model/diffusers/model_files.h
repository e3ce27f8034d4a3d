#pragma once

#include <filesystem>

#include "iddpm/io/safetensors.h"
#include "iddpm/model/diffusers/folder.h"
#include "iddpm/model/model_settings.h"

namespace iddpm::diffusers {

/// A model of diffusers as ours: what it is, and its weights under our names.
struct LoadedModel {
  ModelSettings settings;
  NamedTensors weights;        ///< float32, in the network's order
  nlohmann::json origin = {};  ///< pipeline, scheduler, the options that sample as it does
  std::string program = {};    ///< "diffusers 0.21.4"
};

/// Reads the files around a file of weights. Throws Error as the parts do; nothing of a .bin is ever executed.
LoadedModel load_model(const std::filesystem::path& weights, const Surroundings& surroundings);

}  // namespace iddpm::diffusers
