#pragma once

#include <string>

#include "iddpm/io/image_blocks.h"

namespace iddpm {

/// The name of the ICC profile in a PNG, JPEG, WebP or TIFF file ("Display P3") if it means other colours than sRGB
/// does
/// ("a CMYK profile", "a profile without a name" where it has none); empty if it means sRGB's, or there is none.
std::string foreign_colour_profile(ByteSpan file);

}  // namespace iddpm
