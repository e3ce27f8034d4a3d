#include "iddpm/io/image_file.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/colour_profile.h"
#include "iddpm/io/exif_orientation.h"
#include "iddpm/io/image_codecs.h"
#include "iddpm/io/pixels.h"

namespace iddpm {

namespace {

using namespace std::string_view_literals;

constexpr auto endings = {".png"sv, ".jpg"sv, ".jpeg"sv, ".jpe"sv, ".jfif"sv, ".webp"sv,
                          ".gif"sv, ".bmp"sv, ".dib"sv,  ".tif"sv, ".tiff"sv};
// A blank image of this many pixels may be packed into a few bytes; a larger one must bring its share of them.
constexpr std::int64_t pixels_of_small_file = std::int64_t{1} << 24;
constexpr double most_pixels_per_packed_byte = 4096.0;

/// A file format: how its files begin, and its decoder.
struct Format {
  std::string_view beginning;
  ImageHeader (*header)(const EncodedImage&);
  Image (*decode)(const EncodedImage&);
  std::size_t offset = 0;  ///< of a second beginning
  std::string_view second = {};
};

constexpr Format formats[] = {{"\x89PNG\r\n\x1a\n"sv, png_header, decode_png},
                              {"\xff\xd8\xff"sv, jpeg_header, decode_jpeg},
                              {"RIFF"sv, webp_header, decode_webp, 8, "WEBP"sv},
                              {"GIF87a"sv, gif_header, decode_gif},
                              {"GIF89a"sv, gif_header, decode_gif},
                              {"BM"sv, bmp_header, decode_bmp},
                              {"II*\0"sv, tiff_header, decode_tiff},
                              {"MM\0*"sv, tiff_header, decode_tiff},
                              {"II+\0"sv, tiff_header, decode_tiff},
                              {"MM\0+"sv, tiff_header, decode_tiff}};

const Format& format_of(std::string_view bytes, const std::string& name) {
  for (const Format& format : formats) {
    if (bytes.starts_with(format.beginning) &&
        bytes.substr(std::min(format.offset, bytes.size())).starts_with(format.second)) {
      return format;
    }
  }
  require(!bytes.empty(), "{} is empty, expected an image", name);
  fail(ErrorKind::damaged_file, "{} is not a PNG, JPEG, WebP, GIF, BMP or TIFF image, or is truncated", name);
}

EncodedImage encoded(const std::string& bytes, const std::string& name, std::int64_t pixel_limit) {
  return {.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
          .name = name,
          .pixel_limit = pixel_limit};
}

}  // namespace

bool is_image_file_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return name.size() > ending.size() &&
           std::equal(ending.rbegin(), ending.rend(), name.rbegin(), [&](char a, char b) { return a == lower(b); });
  });
}

Image read_image(const std::filesystem::path& path, std::int64_t pixel_limit, Orientation orientation) {
  return decode_image(read_file(path), path.string(), pixel_limit, orientation);
}

Image decode_image(const std::string& bytes, const std::string& name, std::int64_t pixel_limit,
                   Orientation orientation) {
  const EncodedImage file = encoded(bytes, name, pixel_limit);
  Image image = format_of(bytes, name).decode(file);
  return orientation == Orientation::apply ? oriented(std::move(image), exif_orientation(file.bytes)) : image;
}

ImageHeader read_image_header(const std::filesystem::path& path, Orientation orientation) {
  return decode_image_header(read_file(path), path.string(), orientation);
}

ImageHeader decode_image_header(const std::string& bytes, const std::string& name, Orientation orientation) {
  const EncodedImage file = encoded(bytes, name, std::int64_t{1} << 28);
  ImageHeader header = format_of(bytes, name).header(file);
  if (orientation == Orientation::apply && swaps_sides(exif_orientation(file.bytes))) {
    std::swap(header.width, header.height);
  }
  header.colour_profile = foreign_colour_profile(file.bytes);
  return header;
}

void check_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height) {
  require(width > 0 && height > 0, ErrorKind::damaged_file, "{} is broken: it claims to be {} x {} pixels", file.name,
          width, height);
  require(width <= file.pixel_limit / height, "{} is {} x {} pixels, more than the limit of {} pixels", file.name,
          width, height, file.pixel_limit);
}

void check_packed_image_size(const EncodedImage& file, std::int64_t width, std::int64_t height) {
  check_image_size(file, width, height);
  const double most = most_pixels_per_packed_byte * static_cast<double>(file.bytes.size());
  require(width <= pixels_of_small_file / height || static_cast<double>(width) * static_cast<double>(height) <= most,
          ErrorKind::damaged_file, "{} is truncated: it claims {} x {} pixels but holds {} bytes", file.name, width,
          height, file.bytes.size());
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
