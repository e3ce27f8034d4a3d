#include "iddpm/io/image_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/image_codecs.h"
#include "iddpm/io/pixels.h"

namespace iddpm {

bool is_image_file_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".webp";
}

Image read_image(const std::filesystem::path& path, std::int64_t pixel_limit) {
  return decode_image(read_file(path), path.string(), pixel_limit);
}

Image decode_image(const std::string& bytes, const std::string& name, std::int64_t pixel_limit) {
  using namespace std::string_view_literals;
  const std::string_view text = bytes;
  const EncodedImage file = {
      .bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
      .name = name,
      .pixel_limit = pixel_limit,
  };
  if (text.starts_with("\x89PNG\r\n\x1a\n"sv)) return decode_png(file);
  if (text.starts_with("\xff\xd8\xff"sv)) return decode_jpeg(file);
  if (text.starts_with("RIFF"sv) && text.substr(std::min<std::size_t>(8, text.size())).starts_with("WEBP"sv)) {
    return decode_webp(file);
  }
  require(!bytes.empty(), "{} is empty, expected a PNG, JPEG or WebP image", name);
  fail(ErrorKind::damaged_file, "{} is not a PNG, JPEG or WebP image, or is truncated", name);
}

void check_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height) {
  require(width > 0 && height > 0, ErrorKind::damaged_file, "{} is broken: it claims to be {} x {} pixels", file.name,
          width, height);
  require(width <= file.pixel_limit / height, "{} is {} x {} pixels, more than the limit of {} pixels", file.name,
          width, height, file.pixel_limit);
}

void write_png(const std::filesystem::path& path, const Image& image, const std::string& comment) {
  write_file_atomically(path, encode_png(image, comment));
}

Image image_from_tensor(const Tensor& x) {
  require(x.dim() == 3 && x.size(0) >= 1 && x.size(0) <= 4,
          "an image of shape {} can't be made 8-bit: [C, H, W] with 1 to 4 channels is expected",
          format_shape(x.sizes()));
  const Tensor bytes = to_pixels(x).permute({1, 2, 0}).contiguous();
  const auto* begin = bytes.data_ptr<std::uint8_t>();
  return {.width = x.size(2), .height = x.size(1), .channels = x.size(0), .pixels = {begin, begin + bytes.numel()}};
}

Tensor tensor_from_image(const Image& image) {
  const Tensor bytes = at::empty({image.height, image.width, image.channels}, at::kByte);
  require(static_cast<std::size_t>(bytes.numel()) == image.pixels.size(),
          "an image of {} x {} x {} has {} bytes of pixels, expected {}", image.width, image.height, image.channels,
          image.pixels.size(), bytes.numel());
  std::copy(image.pixels.begin(), image.pixels.end(), bytes.data_ptr<std::uint8_t>());
  return from_pixels(bytes.permute({2, 0, 1}).contiguous());
}

}  // namespace iddpm
