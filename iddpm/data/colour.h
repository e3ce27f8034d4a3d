#pragma once

#include <cstdint>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// `image` as grey (1 channel), RGB (3) or RGBA (4). Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.
/// Where alpha is dropped, colours are first laid over a background of `background` (0 black .. 1 white); where it is
/// added, it is opaque. Throws Error for another number of channels.
Image convert_channels(const Image& image, std::int64_t channels, double background = 1.0);

}  // namespace iddpm
