#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// An 8-bit image, row-major, channels interleaved: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA (not premultiplied).
struct Image {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> pixels = {};  ///< height * width * channels
};

/// What can be known of an image without decoding its pixels.
struct ImageHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 0;
  std::string colour_profile = {};  ///< of a profile that doesn't mean sRGB: its name. Pixels are read without it

  bool operator==(const ImageHeader&) const = default;
};

/// What an EXIF orientation in a JPEG, PNG, WebP or TIFF file is for.
enum class Orientation {
  apply,   ///< the image is turned and mirrored as it is to be shown
  ignore,  ///< the pixels stay as they are stored
};

/// Whether the name ends as those of the formats that decode_image reads do (any case): .png, .jpg, .jpeg, .jpe,
/// .jfif, .webp, .gif, .bmp, .dib, .tif or .tiff.
bool is_image_file_name(std::string_view name);

/// Decodes a PNG (palette and 16 bit too), JPEG, WebP, GIF (its first frame), BMP or TIFF (its first image) by its
/// contents, not its name. Throws Error naming the file and what is wrong with it (truncated, broken, not an image,
/// larger than `pixel_limit`).
Image read_image(const std::filesystem::path& path, std::int64_t pixel_limit = std::int64_t{1} << 28,
                 Orientation orientation = Orientation::apply);

/// The same from memory; `name` is for messages.
Image decode_image(const std::string& bytes, const std::string& name, std::int64_t pixel_limit = std::int64_t{1} << 28,
                   Orientation orientation = Orientation::apply);

/// Size and channels of what read_image would give. Throws Error if the beginning of the file is broken.
ImageHeader read_image_header(const std::filesystem::path& path, Orientation orientation = Orientation::apply);

/// The same from memory; `name` is for messages.
ImageHeader decode_image_header(const std::string& bytes, const std::string& name,
                                Orientation orientation = Orientation::apply);

/// Encodes as PNG. `comment`, if any, is stored as a tEXt chunk (iTXt if it is not ASCII).
std::string encode_png(const Image& image, const std::string& comment = {});

/// Writes a PNG file atomically.
void write_png(const std::filesystem::path& path, const Image& image, const std::string& comment = {});

/// [C, H, W] float in [-1, 1] -> 8-bit image: round((x + 1) * 127.5), clamped. C is 1 to 4. Throws Error
/// if a value isn't finite.
Image image_from_tensor(const Tensor& x);

/// 8-bit image -> [C, H, W] float32 in [-1, 1]: pixel / 127.5 - 1.
Tensor tensor_from_image(const Image& image);

}  // namespace iddpm
