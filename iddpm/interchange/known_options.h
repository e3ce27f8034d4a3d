#pragma once

#include <string>

#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// Throws Error of kind unsupported, naming the option, if a network has an option switched on that came after the
/// exporters were written, which they would pass over. `what` begins the sentence: "diffusers' UNet2DModel".
void refuse_options_unknown_to_exports(const UNetOptions& options, const std::string& what);

}  // namespace iddpm
