#include "iddpm/data/fit_image.h"

#include <algorithm>
#include <cstddef>

#include "iddpm/core/error.h"
#include "iddpm/data/colour.h"
#include "iddpm/data/resize.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

void check_side(const char* name, const std::optional<std::int64_t>& side) {
  if (!side) return;
  require(*side >= 1 && *side <= largest_image_side, "{}: expected 1 to {}, got {}", name, largest_image_side, *side);
}

void fit_default(ImageShape& shape, std::int64_t largest_side) {
  const std::int64_t shorter = std::min({shape.height, shape.width, largest_side});
  if (std::max(shape.height, shape.width) > largest_side) shape.height = shape.width = shorter;
  const std::int64_t unit = shorter >= 16 ? 4 : shorter >= 4 ? 2 : 1;
  shape.height -= shape.height % unit;
  shape.width -= shape.width % unit;
}

}  // namespace

void check_dataset_options(const DatasetOptions& options) {
  check_side("image height", options.image_height);
  check_side("image width", options.image_width);
  if (options.image_channels) {
    const std::int64_t channels = *options.image_channels;
    require(channels == 1 || channels == 3 || channels == 4,
            "image channels: expected 1 (grey), 3 (RGB) or 4 (RGBA), got {}", channels);
  }
  require(options.background >= 0.0 && options.background <= 1.0, "background: expected 0 (black) to 1 (white), got {}",
          options.background);
  if (options.split) {
    require(*options.split == "train" || *options.split == "test", "split: expected train or test, got {}",
            quote(*options.split));
  }
}

ImageShape chosen_shape(const DatasetOptions& options, const ImageShape& own, const std::string& name) {
  ImageShape shape = {options.image_channels.value_or(own.channels), options.image_height.value_or(own.height),
                      options.image_width.value_or(own.width)};
  if (options.default_largest_side && !options.image_height && !options.image_width) {
    fit_default(shape, *options.default_largest_side);
  }
  require(shape.height <= largest_image_side && shape.width <= largest_image_side,
          "{} is {} x {} pixels: ask for a width and height of at most {}", name, own.width, own.height,
          largest_image_side);
  return shape;
}

Tensor fit_image(const Image& image, const ImageShape& shape, double background) {
  const Image fitted = resize_and_crop(convert_channels(image, shape.channels, background), shape.width, shape.height);
  const Tensor result = at::empty({shape.channels, shape.height, shape.width}, at::kByte);
  std::uint8_t* target = result.data_ptr<std::uint8_t>();
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < fitted.pixels.size(); i += channels) *target++ = fitted.pixels[i];
  }
  return result;
}

Image image_from_bytes(const Tensor& image) {
  const Tensor planes = image.contiguous();
  Image result = {planes.size(2), planes.size(1), planes.size(0), {}};
  result.pixels.resize(static_cast<std::size_t>(planes.numel()));
  const std::uint8_t* source = planes.data_ptr<std::uint8_t>();
  const auto channels = static_cast<std::size_t>(result.channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < result.pixels.size(); i += channels) result.pixels[i] = *source++;
  }
  return result;
}

}  // namespace iddpm
