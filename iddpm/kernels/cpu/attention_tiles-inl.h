// Matrix products of attention in register tiles, compiled once per instruction set: include after hwy/highway.h,
// outside any namespace.
#if defined(IDDPM_KERNELS_ATTENTION_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_ATTENTION_TILES_INL_H_
#undef IDDPM_KERNELS_ATTENTION_TILES_INL_H_
#else
#define IDDPM_KERNELS_ATTENTION_TILES_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "iddpm/kernels/cpu/vector-inl.h"

/// Can bfloat16 numbers be multiplied in pairs? Only asked of processors that have the instruction, see
/// has_bfloat16_dot().
#undef IDDPM_KERNELS_BFLOAT16_DOT
#if HWY_TARGET == HWY_AVX3 && HWY_ARCH_X86_64 && HWY_COMPILER_GCC
#define IDDPM_KERNELS_BFLOAT16_DOT 1
#else
#define IDDPM_KERNELS_BFLOAT16_DOT 0
#endif

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

// How operands are kept: in words of 32 bits (typed float), each holding `depth` numbers that are neighbours along the
// summed index. Sums are float32.

/// A word is a float32.
struct Float32 {
  static constexpr int depth = 1;
  template <class D>
  static HWY_INLINE hn::Vec<D> multiply_add(D d, const float* left, hn::Vec<D> right, hn::Vec<D> sum) {
    return hn::MulAdd(hn::Set(d, *left), right, sum);
  }
};

#if IDDPM_KERNELS_BFLOAT16_DOT
/// A word is two bfloat16 numbers, the first in the low half.
struct Bfloat16Pair {
  static constexpr int depth = 2;
  /// Written as assembly because compilers offer the instruction only in code compiled for all of AVX-512 BF16.
  template <class D>
  static HWY_INLINE hn::Vec<D> multiply_add(D, const float* left, hn::Vec<D> right, hn::Vec<D> sum) {
    asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum.raw) : "v"(right.raw), "m"(*left));
    return sum;
  }
};
#endif

/// The left operand: the word of (row, step) is at data[row * row_stride + step * step_stride].
struct LeftWords {
  const float* data;
  std::int64_t row_stride;
  std::int64_t step_stride;
};

/// The right operand: the words of (step, column...) are at data[step * stride + column].
struct RightWords {
  const float* data;
  std::int64_t stride;
};

/// Numbers of rows are multiples of this.
constexpr std::int64_t row_quantum = 4;

// Rows of a tile: as many accumulators as hide the latency of multiply-add, next to the operands.
#if HWY_CAP_GE512 || HWY_ARCH_ARM
constexpr int tile_rows = 8;
#else
constexpr int tile_rows = 4;
#endif

constexpr std::int64_t rounded_up(std::int64_t count, std::int64_t quantum) {
  return (count + quantum - 1) / quantum * quantum;
}

template <class Format, int rows, int vectors, class Consume>
HWY_INLINE void multiply_tile(LeftWords left, RightWords right, std::int64_t steps, const Consume& consume) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  hn::Vec<Floats> sums[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[r][v] = hn::Zero(d);
  }
  for (std::int64_t s = 0; s < steps; ++s) {
    hn::Vec<Floats> columns[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) columns[v] = hn::LoadU(d, right.data + s * right.stride + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const float* word = left.data + r * left.row_stride + s * left.step_stride;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sums[r][v] = Format::multiply_add(d, word, columns[v], sums[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) consume(r, v, sums[r][v]);
  }
}

/// The product of left [rows, steps] and right [steps, vectors]: consume(row, vector, sum) for each vector of it.
template <class Format, int vectors, class Consume>
HWY_INLINE void multiply(LeftWords left, RightWords right, std::int64_t rows, std::int64_t steps,
                         const Consume& consume) {
  std::int64_t row = 0;
  const auto rest = [&] { return LeftWords{left.data + row * left.row_stride, left.row_stride, left.step_stride}; };
  const auto consume_rest = [&](int r, int v, hn::Vec<Floats> sum) HWY_ATTR { consume(row + r, v, sum); };
  for (; row + tile_rows <= rows; row += tile_rows) {
    multiply_tile<Format, tile_rows, vectors>(rest(), right, steps, consume_rest);
  }
  for (; row < rows; row += row_quantum) {
    multiply_tile<Format, row_quantum, vectors>(rest(), right, steps, consume_rest);
  }
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
