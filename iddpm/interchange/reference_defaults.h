#pragma once

#include <nlohmann/json.hpp>

#include "iddpm/interchange/reference_flags.h"

namespace iddpm {

/// A family's flags with the published defaults; a flag's type is its default's.
struct ReferenceDefaults {
  nlohmann::json network;
  nlohmann::json diffusion;  ///< learn_sigma, which concerns both, is here
};

ReferenceDefaults reference_defaults(ReferenceFamily family);

/// Flags of the published training, sampling and evaluation programs, which say nothing of the model.
const std::vector<std::string>& reference_other_flags();

}  // namespace iddpm
