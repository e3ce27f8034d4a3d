// Small matrix products, compiled once per instruction set: include after hwy/highway.h, outside any namespace.
#if defined(IDDPM_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_GEMM_INL_H_
#undef IDDPM_KERNELS_GEMM_INL_H_
#else
#define IDDPM_KERNELS_GEMM_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <utility>

#include "hwy/highway.h"
#include "iddpm/kernels/cpu/gemm.h"
#include "iddpm/kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

// Accumulators: up to 24 vectors where there are 32 registers, 12 where there are 16.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_STATIC_TARGET
constexpr int tile_vectors = 2;
#else
constexpr int tile_vectors = 4;
#endif
constexpr int tile_rows = 6;

/// Rows of a tile of so many vectors: fewer vectors, more rows, so that enough sums are under way at once.
template <int vectors>
constexpr int rows_of_tile = vectors == tile_vectors ? tile_rows : 2 * tile_rows;

template <int vectors>
using TileRow = hn::Vec<Floats>[vectors];

// Loops over a tile are written out by index sequences: left as loops, GCC keeps larger tiles in memory.
template <int vectors, std::size_t... v>
HWY_INLINE void load_row(const float* from, TileRow<vectors>& row, std::index_sequence<v...>) {
  const Floats d;
  ((row[v] = hn::LoadU(d, from + v * hn::Lanes(d))), ...);
}

template <int vectors, std::size_t... v>
HWY_INLINE void store_row(const TileRow<vectors>& row, float* to, std::index_sequence<v...>) {
  const Floats d;
  (hn::StoreU(row[v], d, to + v * hn::Lanes(d)), ...);
}

template <int vectors, std::size_t... v>
HWY_INLINE void clear_row(TileRow<vectors>& row, std::index_sequence<v...>) {
  ((row[v] = hn::Zero(Floats())), ...);
}

template <int vectors, std::size_t... v>
HWY_INLINE void add_product(float left, const TileRow<vectors>& right, TileRow<vectors>& row,
                            std::index_sequence<v...>) {
  const auto factor = hn::Set(Floats(), left);
  ((row[v] = hn::MulAdd(factor, right[v], row[v])), ...);
}

template <int vectors, std::size_t... r>
HWY_INLINE void multiply_rows(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t depth, bool accumulate,
                              std::index_sequence<r...>) {
  constexpr std::make_index_sequence<vectors> all;
  TileRow<vectors> sums[sizeof...(r)];
  accumulate ? (load_row<vectors>(c.data + r * c.stride, sums[r], all), ...) : (clear_row<vectors>(sums[r], all), ...);
  // One address register serves three rows: an address for every row would not fit the registers.
  constexpr std::size_t groups = (sizeof...(r) + 2) / 3;
  const float* left[groups];
  for (std::size_t g = 0; g < groups; ++g) left[g] = a.data + 3 * g * a.row_stride;
  for (std::int64_t k = 0; k < depth; ++k) {
    TileRow<vectors> right;
    load_row<vectors>(b.data + k * b.stride, right, all);
    (add_product<vectors>(left[r / 3][(r % 3) * a.row_stride], right, sums[r], all), ...);
    for (std::size_t g = 0; g < groups; ++g) left[g] += a.column_stride;
  }
  (store_row<vectors>(sums[r], c.data + r * c.stride, all), ...);
}

template <int rows, int vectors>
HWY_INLINE void multiply_tile(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t depth, bool accumulate) {
  multiply_rows<vectors>(a, b, c, depth, accumulate, std::make_index_sequence<rows>());
}

template <int vectors>
HWY_INLINE void multiply_columns(LeftMatrix a, RightMatrix b, OutMatrix c, std::int64_t rows, std::int64_t depth,
                                 bool accumulate) {
  std::int64_t r = 0;
  const auto left = [&] { return LeftMatrix{a.data + r * a.row_stride, a.row_stride, a.column_stride}; };
  const auto out = [&] { return OutMatrix{c.data + r * c.stride, c.stride}; };
  constexpr int most = rows_of_tile<vectors>;
  for (; r + most <= rows; r += most) multiply_tile<most, vectors>(left(), b, out(), depth, accumulate);
  if constexpr (most > tile_rows) {
    for (; r + tile_rows <= rows; r += tile_rows)
      multiply_tile<tile_rows, vectors>(left(), b, out(), depth, accumulate);
  }
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
  if constexpr (tile_vectors > 2) {
    for (; at + 2 * lanes <= columns; at += 2 * lanes) multiply_columns<2>(a, right(), out(), rows, depth, accumulate);
  }
  for (; at < columns; at += lanes) multiply_columns<1>(a, right(), out(), rows, depth, accumulate);
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
