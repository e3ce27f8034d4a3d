#include "iddpm/kernels/cpu/winograd_vector.h"

#include <algorithm>
#include <vector>

#include "iddpm/kernels/cpu/gemm.h"
#include "iddpm/kernels/cpu/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/cpu/winograd_vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/cpu/vector-inl.h"
#include "iddpm/kernels/cpu/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

/// Calls body(tag, channel) for whole vectors, then single channels.
template <class Body>
HWY_INLINE void for_channels(std::int64_t channels, const Body& body) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(d, c);
  for (; c < channels; ++c) body(OneFloat(), c);
}

/// The addresses of a square of pixels of one image; those outside of it are `outside`.
template <int side, class T>
HWY_INLINE void pixel_addresses(const WinogradGrid& grid, T* data, std::int64_t image, std::int64_t top,
                                std::int64_t left, T* outside, T** addresses) {
  const bool interior = top >= 0 && left >= 0 && top + side <= grid.height && left + side <= grid.width;
  T* corner = data + ((image * grid.height + top) * grid.width + left) * grid.channels;
  for (std::int64_t r = 0; r < side; ++r) {
    for (std::int64_t c = 0; c < side; ++c) {
      if (interior) {
        addresses[r * side + c] = corner + (r * grid.width + c) * grid.channels;
        continue;
      }
      const std::int64_t h = top + r, w = left + c;
      const bool inside = h >= 0 && h < grid.height && w >= 0 && w < grid.width;
      addresses[r * side + c] = inside ? data + ((image * grid.height + h) * grid.width + w) * grid.channels : outside;
    }
  }
}

/// Transforms squares of pixels, `margin` pixels larger at the top and left than the tile, to points.
template <class Transform, class T>
HWY_INLINE void pixels_to_points(const WinogradGrid& grid, const T* data, TileRange tiles, std::int64_t margin,
                                 WinogradPlanes planes) {
  constexpr int side = Transform::from, points = Transform::to;
  const std::vector<T> zeros(grid.channels, T());
  const T* addresses[side * side];
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t tile = tiles.first + i, row = tile / grid.tile_columns();
    pixel_addresses<side>(grid, data, row / grid.tile_rows(), row % grid.tile_rows() * winograd_pixels - margin,
                          tile % grid.tile_columns() * winograd_pixels - margin, zeros.data(), addresses);
    float* out = planes.data + i * planes.row_stride;
    for_channels(grid.channels, [&](auto d, std::int64_t c) HWY_ATTR {
      hn::Vec<decltype(d)> pixels[side * side], transformed[points * points];
      for (int p = 0; p < side * side; ++p) pixels[p] = load(d, addresses[p] + c);
      transform_2d<Transform>(d, pixels, transformed);
      for (int p = 0; p < points * points; ++p) hn::StoreU(transformed[p], d, out + p * planes.point_stride + c);
    });
  }
}

template <class T>
HWY_INLINE void output(const WinogradGrid& grid, WinogradPlanes m, TileRange tiles, const float* bias,
                       const T* residual, T* y) {
  constexpr int side = OutputTransform::to, points = OutputTransform::from;
  std::vector<T> discarded(grid.channels);
  const std::vector<T> zeros(grid.channels, T());
  const std::vector<float> no_bias(grid.channels, 0.0f);
  const float* biases = bias != nullptr ? bias : no_bias.data();
  T* to[side * side];
  const T* addend[side * side];
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t tile = tiles.first + i, row = tile / grid.tile_columns();
    const std::int64_t image = row / grid.tile_rows(), top = row % grid.tile_rows() * winograd_pixels;
    const std::int64_t left = tile % grid.tile_columns() * winograd_pixels;
    pixel_addresses<side>(grid, y, image, top, left, discarded.data(), to);
    if (residual != nullptr) pixel_addresses<side>(grid, residual, image, top, left, zeros.data(), addend);
    const float* from = m.data + i * m.row_stride;
    for_channels(grid.channels, [&](auto d, std::int64_t c) HWY_ATTR {
      hn::Vec<decltype(d)> products[points * points], pixels[side * side];
      for (int p = 0; p < points * points; ++p) products[p] = hn::LoadU(d, from + p * m.point_stride + c);
      transform_2d<OutputTransform>(d, products, pixels);
      const auto shift = hn::LoadU(d, biases + c);
      for (int p = 0; p < side * side; ++p) {
        auto pixel = hn::Add(pixels[p], shift);
        if (residual != nullptr) pixel = hn::Add(pixel, load(d, addend[p] + c));
        store(pixel, d, to[p] + c);
      }
    });
  }
}

constexpr int taps = 9;

void winograd_weight(const WinogradWeights<const float>& weights, std::int64_t begin, std::int64_t end,
                     WinogradPlanes u) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  alignas(64) float gathered[taps][padded_lanes];
  for (std::int64_t row = begin; row < end; ++row) {
    for (std::int64_t first = 0; first < u.row_stride; first += lanes) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        const bool inside = first + lane < weights.columns;
        const float* from =
            weights.data + row * weights.row_stride + (inside ? first + lane : 0) * weights.column_stride;
        for (int t = 0; t < taps; ++t) gathered[t][lane] = inside ? from[weights.rotated ? taps - 1 - t : t] : 0.0f;
      }
      hn::Vec<Floats> weight[taps], points[winograd_points];
      for (int t = 0; t < taps; ++t) weight[t] = hn::Load(d, gathered[t]);
      transform_2d<WeightTransform>(d, weight, points);
      float* to = u.data + row * u.row_stride + first;
      for (int p = 0; p < winograd_points; ++p) hn::StoreU(points[p], d, to + p * u.point_stride);
    }
  }
}

void winograd_weight_gradient(const WinogradPlanes& du, std::int64_t begin, std::int64_t end,
                              const WinogradWeights<float>& gradient) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  alignas(64) float scattered[taps][padded_lanes];
  // Columns outside, rows inside: nine taps of successive rows lie together in the gradient.
  for (std::int64_t first = 0; first < gradient.columns; first += lanes) {
    for (std::int64_t row = begin; row < end; ++row) {
      hn::Vec<Floats> points[winograd_points], weight[taps];
      const float* from = du.data + row * du.row_stride + first;
      for (int p = 0; p < winograd_points; ++p) points[p] = hn::LoadU(d, from + p * du.point_stride);
      transform_2d<WeightGradientTransform>(d, points, weight);
      for (int t = 0; t < taps; ++t) hn::Store(weight[t], d, scattered[t]);
      const std::int64_t inside = std::min(lanes, gradient.columns - first);
      for (std::int64_t lane = 0; lane < inside; ++lane) {
        float* to = gradient.data + row * gradient.row_stride + (first + lane) * gradient.column_stride;
        for (int t = 0; t < taps; ++t) to[t] = scattered[t][lane];
      }
    }
  }
}

// HWY_EXPORT takes plain functions: one per type.
#define IDDPM_KERNELS_WINOGRAD(T, suffix)                                                                   \
  void input_##suffix(const WinogradGrid& grid, const T* x, TileRange tiles, WinogradPlanes v) {            \
    pixels_to_points<InputTransform>(grid, x, tiles, 1, v);                                                 \
  }                                                                                                         \
  void output_##suffix(const WinogradGrid& grid, WinogradPlanes m, TileRange tiles, const float* bias,      \
                       const T* residual, T* y) {                                                           \
    output(grid, m, tiles, bias, residual, y);                                                              \
  }                                                                                                         \
  void output_gradient_##suffix(const WinogradGrid& grid, const T* dy, TileRange tiles, WinogradPlanes m) { \
    pixels_to_points<OutputGradientTransform>(grid, dy, tiles, 0, m);                                       \
  }
IDDPM_KERNELS_WINOGRAD(float, float32)
IDDPM_KERNELS_WINOGRAD(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_WINOGRAD

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {

#define IDDPM_KERNELS_WINOGRAD(T, suffix)                                                                      \
  HWY_EXPORT(input_##suffix);                                                                                  \
  HWY_EXPORT(output_##suffix);                                                                                 \
  HWY_EXPORT(output_gradient_##suffix);                                                                        \
  template <>                                                                                                  \
  void winograd_input<T>(const WinogradGrid& grid, const T* x, TileRange tiles, WinogradPlanes v) {            \
    HWY_DYNAMIC_DISPATCH(input_##suffix)(grid, x, tiles, v);                                                   \
  }                                                                                                            \
  template <>                                                                                                  \
  void winograd_output<T>(const WinogradGrid& grid, WinogradPlanes m, TileRange tiles, const float* bias,      \
                          const T* residual, T* y) {                                                           \
    HWY_DYNAMIC_DISPATCH(output_##suffix)(grid, m, tiles, bias, residual, y);                                  \
  }                                                                                                            \
  template <>                                                                                                  \
  void winograd_output_gradient<T>(const WinogradGrid& grid, const T* dy, TileRange tiles, WinogradPlanes m) { \
    HWY_DYNAMIC_DISPATCH(output_gradient_##suffix)(grid, dy, tiles, m);                                        \
  }
IDDPM_KERNELS_WINOGRAD(float, float32)
IDDPM_KERNELS_WINOGRAD(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_WINOGRAD

HWY_EXPORT(winograd_weight);
HWY_EXPORT(winograd_weight_gradient);

void winograd_weight(const WinogradWeights<const float>& weights, std::int64_t begin, std::int64_t end,
                     WinogradPlanes u) {
  HWY_DYNAMIC_DISPATCH(winograd_weight)(weights, begin, end, u);
}

void winograd_weight_gradient(const WinogradPlanes& du, std::int64_t begin, std::int64_t end,
                              const WinogradWeights<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(winograd_weight_gradient)(du, begin, end, gradient);
}

}  // namespace iddpm::kernels
#endif
