#pragma once

#include <cstdint>

/// Matrix products in float32 on one thread, for matrices that stay in cache, vectorised for the processor at hand.
namespace iddpm::kernels {

/// The left operand: element (row, k) at data[row * row_stride + k * column_stride].
struct LeftMatrix {
  const float* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// Row-major with that distance between rows.
struct RightMatrix {
  const float* data;
  std::int64_t stride;
};

struct OutMatrix {
  float* data;
  std::int64_t stride;
};

/// Numbers of columns are multiples of this, the widest vector: callers pad.
constexpr std::int64_t padded_lanes = 16;

constexpr std::int64_t padded(std::int64_t count) { return (count + padded_lanes - 1) / padded_lanes * padded_lanes; }

struct ProductExtents {
  std::int64_t rows;
  std::int64_t columns;  ///< a multiple of padded_lanes
  std::int64_t depth;
};

/// c = a b, or c += a b.
void multiply(LeftMatrix a, RightMatrix b, OutMatrix c, ProductExtents extents, bool accumulate);

}  // namespace iddpm::kernels
