#pragma once

#include <cstdint>

/// The transforms of Winograd's F(4 x 4, 3 x 3) convolution with stride 1 and padding 1, on channels-last activations.
/// T is float, or std::uint16_t for bfloat16's bits; arithmetic in float32. Vectorised for the processor at hand; one
/// thread.
namespace iddpm::kernels {

constexpr std::int64_t winograd_points = 36;  // 6 x 6 products for 4 x 4 pixels
constexpr std::int64_t winograd_pixels = 4;   // along each side of a tile
/// The point whose output gradient is the sum of the tile's gradients: 1 in both dimensions.
constexpr std::int64_t winograd_sum_point = 7;

/// An activation and how it is cut into tiles of 4 x 4 pixels, those at the lower and right edges reaching beyond.
struct WinogradGrid {
  std::int64_t images, height, width, channels;
  std::int64_t tile_rows() const { return (height + winograd_pixels - 1) / winograd_pixels; }
  std::int64_t tile_columns() const { return (width + winograd_pixels - 1) / winograd_pixels; }
  std::int64_t tiles() const { return images * tile_rows() * tile_columns(); }
};

/// A matrix for every point: element (point, row, column) at data[point * point_stride + row * row_stride + column].
struct WinogradPlanes {
  float* data;
  std::int64_t point_stride;
  std::int64_t row_stride;
};

struct TileRange {
  std::int64_t first;
  std::int64_t count;
};

/// Rows: tiles; columns: channels. What lies outside of the image is zero.
template <typename T>
void winograd_input(const WinogradGrid& grid, const T* x, TileRange tiles, WinogradPlanes v);

/// y = the output's tiles + bias[channel] + residual; both may be null.
template <typename T>
void winograd_output(const WinogradGrid& grid, WinogradPlanes m, TileRange tiles, const float* bias, const T* residual,
                     T* y);

/// The points' gradients from those of the pixels.
template <typename T>
void winograd_output_gradient(const WinogradGrid& grid, const T* dy, TileRange tiles, WinogradPlanes m);

/// 3 x 3 weights, the nine taps of (row, column) at data + row * row_stride + column * column_stride.
template <typename T>
struct WinogradWeights {
  T* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
  std::int64_t columns;
  bool rotated;  ///< by half a turn, for the gradient of x
};

/// u, of padded columns, from rows begin to end of the weights.
void winograd_weight(const WinogradWeights<const float>& weights, std::int64_t begin, std::int64_t end,
                     WinogradPlanes u);

/// The gradient of rows begin to end of the weights, which are not rotated, from that of u.
void winograd_weight_gradient(const WinogradPlanes& du, std::int64_t begin, std::int64_t end,
                              const WinogradWeights<float>& gradient);

}  // namespace iddpm::kernels
