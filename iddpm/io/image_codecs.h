#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// An image file in memory, and what its decoder may do with it.
struct EncodedImage {
  std::span<const std::uint8_t> bytes;
  const std::string& name;  ///< for messages
  std::int64_t pixel_limit = 0;
};

Image decode_png(const EncodedImage& file);
Image decode_jpeg(const EncodedImage& file);
Image decode_webp(const EncodedImage& file);

/// Throws Error unless width x height lies between 1 and the limit. To be called before any memory is taken for pixels.
void check_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height);

}  // namespace iddpm
