#include "iddpm/data/colour.h"

#include <cmath>
#include <cstddef>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

struct Pixel {
  std::uint8_t red, green, blue, alpha;
};

Pixel read_pixel(const std::uint8_t* values, std::int64_t channels) {
  switch (channels) {
    case 1:
      return {values[0], values[0], values[0], 255};
    case 2:
      return {values[0], values[0], values[0], values[1]};
    case 3:
      return {values[0], values[1], values[2], 255};
    default:
      return {values[0], values[1], values[2], values[3]};
  }
}

std::uint8_t over(int colour, int alpha, int background) {
  return static_cast<std::uint8_t>((colour * alpha + background * (255 - alpha) + 127) / 255);
}

/// 0.299 R + 0.587 G + 0.114 B with 16 fractional bits; the weights add up to 2^16, so that grey stays what it is.
std::uint8_t luma(const Pixel& pixel) {
  return static_cast<std::uint8_t>((19595 * pixel.red + 38470 * pixel.green + 7471 * pixel.blue + (1 << 15)) >> 16);
}

}  // namespace

Image convert_channels(const Image& image, std::int64_t channels, double background) {
  require(channels == 1 || channels == 3 || channels == 4,
          "image channels: expected 1 (grey), 3 (RGB) or 4 (RGBA), got {}", channels);
  if (image.channels == channels) return image;
  const int behind = static_cast<int>(std::lround(background * 255.0));
  const bool has_alpha = image.channels == 2 || image.channels == 4;

  Image result = {image.width, image.height, channels, {}};
  const auto count = static_cast<std::size_t>(image.width * image.height);
  result.pixels.resize(count * static_cast<std::size_t>(channels));
  const std::uint8_t* source = image.pixels.data();
  std::uint8_t* target = result.pixels.data();
  for (std::size_t i = 0; i < count; ++i, source += image.channels, target += channels) {
    Pixel pixel = read_pixel(source, image.channels);
    if (has_alpha && channels != 4) {
      pixel = {over(pixel.red, pixel.alpha, behind), over(pixel.green, pixel.alpha, behind),
               over(pixel.blue, pixel.alpha, behind), 255};
    }
    if (channels == 1) {
      target[0] = luma(pixel);
    } else {
      target[0] = pixel.red;
      target[1] = pixel.green;
      target[2] = pixel.blue;
      if (channels == 4) target[3] = pixel.alpha;
    }
  }
  return result;
}

}  // namespace iddpm
