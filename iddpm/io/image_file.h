#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
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

/// Whether the name ends in .png, .jpg, .jpeg or .webp (any case).
bool is_image_file_name(const std::filesystem::path& path);

/// Decodes a PNG (palette and 16 bit too), JPEG or WebP file by its contents, not its name. Throws Error naming the
/// file and what is wrong with it (truncated, broken, not an image, larger than `pixel_limit`).
Image read_image(const std::filesystem::path& path, std::int64_t pixel_limit = std::int64_t{1} << 28);

/// The same from memory; `name` is for messages.
Image decode_image(const std::string& bytes, const std::string& name, std::int64_t pixel_limit = std::int64_t{1} << 28);

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
