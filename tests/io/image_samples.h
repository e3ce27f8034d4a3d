#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "tests/temporary_folder.h"

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

/// An integer, the least significant byte first.
std::string little_endian(std::uint32_t value, int bytes = 4);
/// A BMP whose rows are given as they are stored, from the last on.
std::string bmp_bytes(std::int32_t width, std::int32_t height, int bits, const std::string& palette,
                      const std::string& pixels, std::uint32_t compression = 0);
/// A GIF of 3 x 2 pixels in four colours, of which one may be transparent (-1: none); a second frame is of one colour.
std::string gif_bytes(const TemporaryFolder& folder, int transparent, bool two_frames);
/// A TIFF of 1, 3 or 4 channels, alpha as it is (unassociated), packed by one of libtiff's methods.
std::string tiff_bytes(const TemporaryFolder& folder, const Image& image, int compression, int orientation = 1);

/// A smooth picture, different in every pixel's neighbourhood and channel.
Image gradient(std::int64_t width, std::int64_t height, std::int64_t channels);

}  // namespace iddpm
