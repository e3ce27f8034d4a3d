#include "iddpm/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

/// One axis of a resize: `count` of the `size` positions the whole axis would have, from `first`.
struct Axis {
  std::int64_t size;
  std::int64_t first;
  std::int64_t count;
};

Axis whole_axis(std::int64_t size) { return {size, 0, size}; }
Axis centre_of_axis(std::int64_t size, std::int64_t count) { return {size, (size - count) / 2, count}; }

// Weights are integers of this many fractional bits: 255 * 2^22 leaves room in 32 bits for the overshoot of a bicubic.
constexpr int weight_bits = 22;

/// Each result position of an axis is a weighted sum of the source positions first[i] .. first[i] + count[i] - 1.
struct Taps {
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> count;
  std::vector<std::int32_t> weights;  ///< `stride` for each result position
  std::size_t stride = 0;

  const std::int32_t* of(std::size_t i) const { return weights.data() + i * stride; }
};

double filter_radius(ResizeFilter filter) { return filter == ResizeFilter::box ? 0.5 : 2.0; }

double filter_value(ResizeFilter filter, double x) {
  if (filter == ResizeFilter::box) return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

Taps make_taps(std::int64_t source_size, const Axis& axis, ResizeFilter filter) {
  const double scale = static_cast<double>(source_size) / static_cast<double>(axis.size);
  const double widening = std::max(scale, 1.0);
  const double radius = filter_radius(filter) * widening;
  const auto positions = static_cast<std::size_t>(axis.count);

  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(radius)) * 2 + 1;
  taps.first.resize(positions);
  taps.count.resize(positions);
  taps.weights.resize(positions * taps.stride);
  std::vector<double> weights(taps.stride);
  for (std::size_t i = 0; i < positions; ++i) {
    const double centre = (static_cast<double>(axis.first) + static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max<std::int64_t>(static_cast<std::int64_t>(centre - radius + 0.5), 0);
    const auto end = std::min<std::int64_t>(static_cast<std::int64_t>(centre + radius + 0.5), source_size);
    const auto count = static_cast<std::size_t>(end - begin);
    double sum = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      const double distance = static_cast<double>(begin) + static_cast<double>(k) - centre + 0.5;
      weights[k] = filter_value(filter, distance / widening);
      sum += weights[k];
    }
    for (std::size_t k = 0; k < count; ++k) {
      taps.weights[i * taps.stride + k] =
          static_cast<std::int32_t>(std::lround(weights[k] / sum * static_cast<double>(1 << weight_bits)));
    }
    taps.first[i] = static_cast<std::int32_t>(begin);
    taps.count[i] = static_cast<std::int32_t>(count);
  }
  return taps;
}

std::uint8_t rounded(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp((sum + (1 << (weight_bits - 1))) >> weight_bits, 0, 255));
}

template <std::size_t channels>
void filter_row(const std::uint8_t* source, const Taps& taps, std::uint8_t* result) {
  for (std::size_t x = 0; x < taps.first.size(); ++x) {
    const std::int32_t* weights = taps.of(x);
    const std::uint8_t* pixel = source + static_cast<std::size_t>(taps.first[x]) * channels;
    std::int32_t sums[channels] = {};
    for (std::int32_t k = 0; k < taps.count[x]; ++k, pixel += channels) {
      for (std::size_t c = 0; c < channels; ++c) sums[c] += weights[k] * pixel[c];
    }
    for (std::size_t c = 0; c < channels; ++c) *result++ = rounded(sums[c]);
  }
}

/// Rows `first_row` .. `first_row + rows - 1` of the image, filtered horizontally.
Image filter_horizontally(const Image& image, const Taps& taps, std::int64_t first_row, std::int64_t rows) {
  Image result = {static_cast<std::int64_t>(taps.first.size()), rows, image.channels, {}};
  result.pixels.resize(static_cast<std::size_t>(result.width * rows * result.channels));
  for (std::int64_t y = 0; y < rows; ++y) {
    const std::uint8_t* source = image.pixels.data() + (first_row + y) * image.width * image.channels;
    std::uint8_t* row = result.pixels.data() + y * result.width * result.channels;
    switch (image.channels) {
      case 1:
        filter_row<1>(source, taps, row);
        break;
      case 2:
        filter_row<2>(source, taps, row);
        break;
      case 3:
        filter_row<3>(source, taps, row);
        break;
      default:
        filter_row<4>(source, taps, row);
    }
  }
  return result;
}

/// `image` holds the source rows from `first_row` on.
Image filter_vertically(const Image& image, const Taps& taps, std::int64_t first_row) {
  Image result = {image.width, static_cast<std::int64_t>(taps.first.size()), image.channels, {}};
  const auto row_bytes = static_cast<std::size_t>(image.width * image.channels);
  result.pixels.resize(row_bytes * taps.first.size());
  std::vector<std::int32_t> sums(row_bytes);
  for (std::size_t y = 0; y < taps.first.size(); ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    const std::uint8_t* source = image.pixels.data() + static_cast<std::size_t>(taps.first[y] - first_row) * row_bytes;
    for (std::int32_t k = 0; k < taps.count[y]; ++k, source += row_bytes) {
      const std::int32_t weight = taps.of(y)[k];
      for (std::size_t i = 0; i < row_bytes; ++i) sums[i] += weight * source[i];
    }
    std::transform(sums.begin(), sums.end(), result.pixels.begin() + static_cast<std::ptrdiff_t>(y * row_bytes),
                   rounded);
  }
  return result;
}

/// Only what the asked part needs is computed, so that the cost is bounded by the source and the part, however large
/// the whole axes would be.
Image resample(const Image& image, const Axis& horizontal, const Axis& vertical, ResizeFilter filter) {
  const Taps columns = make_taps(image.width, horizontal, filter);
  const Taps rows = make_taps(image.height, vertical, filter);
  const std::int64_t first_row = rows.first.front();
  const std::int64_t last_row = rows.first.back() + rows.count.back();
  return filter_vertically(filter_horizontally(image, columns, first_row, last_row - first_row), rows, first_row);
}

bool has_alpha(const Image& image) { return image.channels == 2 || image.channels == 4; }

/// Calls function(colour, alpha) for every colour value of an image with alpha.
template <typename Function>
void for_each_colour(Image& image, const Function& function) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t i = 0; i < image.pixels.size(); i += channels) {
    const int alpha = image.pixels[i + channels - 1];
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      image.pixels[i + c] = static_cast<std::uint8_t>(function(image.pixels[i + c], alpha));
    }
  }
}

void multiply_by_alpha(Image& image) {
  for_each_colour(image, [](int colour, int alpha) { return (colour * alpha + 127) / 255; });
}

void divide_by_alpha(Image& image) {
  for_each_colour(image, [](int colour, int alpha) {
    return alpha == 0 ? colour : std::min((colour * 255 + alpha / 2) / alpha, 255);
  });
}

void check_size(std::int64_t width, std::int64_t height) {
  require(width >= 1 && height >= 1, "resize: expected a size of at least 1 x 1, got {} x {}", width, height);
}

/// Applies `operation` to the image, with colours multiplied by alpha meanwhile.
template <typename Operation>
Image with_weighted_colours(const Image& image, const Operation& operation) {
  if (!has_alpha(image)) return operation(image);
  Image weighted = image;
  multiply_by_alpha(weighted);
  Image result = operation(weighted);
  divide_by_alpha(result);
  return result;
}

}  // namespace

Image resize(const Image& image, std::int64_t width, std::int64_t height, ResizeFilter filter) {
  check_size(width, height);
  if (image.width == width && image.height == height) return image;
  return with_weighted_colours(
      image, [&](const Image& source) { return resample(source, whole_axis(width), whole_axis(height), filter); });
}

Image resize_and_crop(const Image& image, std::int64_t width, std::int64_t height) {
  check_size(width, height);
  if (image.width == width && image.height == height) return image;
  return with_weighted_colours(image, [&](const Image& source) {
    const Image* large = &source;
    Image halved;
    while (large->width >= 2 * width && large->height >= 2 * height) {
      halved = resample(*large, whole_axis(large->width / 2), whole_axis(large->height / 2), ResizeFilter::box);
      large = &halved;
    }
    const double scale = std::max(static_cast<double>(width) / static_cast<double>(large->width),
                                  static_cast<double>(height) / static_cast<double>(large->height));
    // Halves round to even, as in the published loaders.
    const auto scaled = [scale](std::int64_t size) {
      return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(size) * scale));
    };
    const Axis horizontal = centre_of_axis(std::max(scaled(large->width), width), width);
    const Axis vertical = centre_of_axis(std::max(scaled(large->height), height), height);
    return resample(*large, horizontal, vertical, ResizeFilter::bicubic);
  });
}

}  // namespace iddpm
