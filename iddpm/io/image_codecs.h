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

/// Of each format: an image's size and channels as it would be decoded, from the beginning of the file, and the image.
/// Neither turns it as EXIF asks. Both throw Error naming the file.
ImageHeader png_header(const EncodedImage& file);
Image decode_png(const EncodedImage& file);
ImageHeader jpeg_header(const EncodedImage& file);
Image decode_jpeg(const EncodedImage& file);
ImageHeader webp_header(const EncodedImage& file);
Image decode_webp(const EncodedImage& file);
/// The first frame, laid over its canvas.
ImageHeader gif_header(const EncodedImage& file);
Image decode_gif(const EncodedImage& file);
ImageHeader bmp_header(const EncodedImage& file);
Image decode_bmp(const EncodedImage& file);
/// The first image of the file.
ImageHeader tiff_header(const EncodedImage& file);
Image decode_tiff(const EncodedImage& file);

/// Throws Error unless width x height lies between 1 and the limit. To be called before any memory is taken for pixels.
void check_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height);

/// The same for formats that can pack a blank image into a few bytes: also throws Error if a small file claims more
/// than 16 million pixels and more than 4096 a byte.
void check_packed_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height);

}  // namespace iddpm
