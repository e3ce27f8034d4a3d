#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "iddpm/nn/unet_options.h"

namespace iddpm::diffusers {

/// A network's configuration, understood.
struct UNetConfig {
  UNetOptions options;       ///< resolved
  bool sines_first = false;  ///< the embedding of t begins with sines (flip_sin_to_cos is false); ours with cosines
};

/// A configuration of UNet2DModel as our options. Throws Error of kind unsupported, beginning with `where` and naming
/// the setting and the reason, for what can't be expressed.
UNetConfig read_unet_config(const nlohmann::json& config, const std::string& where);

/// Our options as a configuration of UNet2DModel. Throws Error of kind unsupported with the reason if there is none.
nlohmann::json write_unet_config(const UNetOptions& options);

}  // namespace iddpm::diffusers
