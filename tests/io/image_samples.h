#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// A PNG file put together chunk by chunk from scan lines (without their filter bytes), independent of the decoder's
/// library.
struct PngSample {
  std::uint32_t width = 1;
  std::uint32_t height = 1;
  int bit_depth = 8;
  int color_type = 0;
  std::vector<std::string> rows = {};
  std::string palette = {};       ///< PLTE
  std::string transparency = {};  ///< tRNS
  std::string extra_chunk = {};   ///< a whole zTXt chunk's contents
};
std::string png_bytes(const PngSample& sample);

/// A JPEG of high quality. 1 channel: grey; 3: RGB; 4: ink as Adobe stores it (255 is none).
std::string jpeg_bytes(const Image& image, bool progressive = false);

/// A WebP of 3 or 4 channels, lossless or of quality 90.
std::string webp_bytes(const Image& image, bool lossless);

/// A smooth picture, different in every pixel's neighbourhood and channel.
Image gradient(std::int64_t width, std::int64_t height, std::int64_t channels);

}  // namespace iddpm
