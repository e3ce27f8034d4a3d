// Small matrix products, compiled once per instruction set: include after hwy/highway.h, outside any namespace.
#if defined(IDDPM_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_GEMM_INL_H_
#undef IDDPM_KERNELS_GEMM_INL_H_
#else
#define IDDPM_KERNELS_GEMM_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "hwy/highway.h"
#include "iddpm/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

/// The left operand: element (row, k) at data[row * row_stride + k * column_stride].
struct LeftMatrix {
  const float* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// Row-major with that distance between rows; columns up to a multiple of `padded_lanes` may be touched.
struct RightMatrix {
  const float* data;
  std::int64_t stride;
};

struct OutMatrix {
  float* data;
  std::int64_t stride;
};

// Registers for the accumulators: 6 rows of 4 vectors where there are 32, of 2 where there are 16.
constexpr int tile_rows = 6;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_STATIC_TARGET
constexpr int tile_vectors = 2;
#else
constexpr int tile_vectors = 4;
#endif

/// Numbers of columns are multiples of this (the widest vector); callers pad.
constexpr std::int64_t padded_lanes = 16;

constexpr std::int64_t padded(std::int64_t count) { return (count + padded_lanes - 1) / padded_lanes * padded_lanes; }

template <int rows, int vectors>
HWY_INLINE void multiply_tile(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t depth, bool accumulate) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  hn::Vec<Floats> sums[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = accumulate ? hn::LoadU(d, c.data + r * c.stride + v * lanes) : hn::Zero(d);
    }
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    hn::Vec<Floats> right[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, b.data + k * b.stride + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const auto left = hn::Set(d, a.data[r * a.row_stride + k * a.column_stride]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sums[r][v] = hn::MulAdd(left, right[v], sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) hn::StoreU(sums[r][v], d, c.data + r * c.stride + v * lanes);
  }
}

template <int vectors>
HWY_INLINE void multiply_columns(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t rows, std::int64_t depth,
                                 bool accumulate) {
  std::int64_t r = 0;
  const auto left = [&] { return LeftMatrix{a.data + r * a.row_stride, a.row_stride, a.column_stride}; };
  const auto out = [&] { return OutMatrix{c.data + r * c.stride, c.stride}; };
  for (; r + tile_rows <= rows; r += tile_rows) multiply_tile<tile_rows, vectors>(left(), b, out(), depth, accumulate);
  for (; r + 2 <= rows; r += 2) multiply_tile<2, vectors>(left(), b, out(), depth, accumulate);
  if (r < rows) multiply_tile<1, vectors>(left(), b, out(), depth, accumulate);
}

/// c = a b, or c += a b. `columns` is a multiple of padded_lanes.
HWY_INLINE void multiply(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t rows, std::int64_t columns,
                         std::int64_t depth, bool accumulate = false) {
  const std::int64_t lanes = hn::Lanes(Floats());
  std::int64_t at = 0;
  const auto right = [&] { return RightMatrix{b.data + at, b.stride}; };
  const auto out = [&] { return OutMatrix{c.data + at, c.stride}; };
  for (; at + tile_vectors * lanes <= columns; at += tile_vectors * lanes) {
    multiply_columns<tile_vectors>(a, right(), out(), rows, depth, accumulate);
  }
  for (; at < columns; at += lanes) multiply_columns<1>(a, right(), out(), rows, depth, accumulate);
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
