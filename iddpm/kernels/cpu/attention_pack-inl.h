// Conversions between rows of activations and the operands of attention's matrix products, compiled once per
// instruction set: include after hwy/highway.h, outside any namespace.
#if defined(IDDPM_KERNELS_ATTENTION_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_ATTENTION_PACK_INL_H_
#undef IDDPM_KERNELS_ATTENTION_PACK_INL_H_
#else
#define IDDPM_KERNELS_ATTENTION_PACK_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "iddpm/kernels/cpu/attention_tiles-inl.h"
#include "iddpm/kernels/cpu/attention_vector.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

#if IDDPM_KERNELS_BFLOAT16_DOT
/// Writes to memory that is also read as words.
HWY_INLINE void put(std::uint16_t bits, std::uint16_t* to) { std::memcpy(to, &bits, sizeof(bits)); }

/// `count` numbers, then zeros up to `padded_count`.
HWY_INLINE void copy_padded(const std::uint16_t* from, std::int64_t count, std::int64_t padded_count,
                            std::uint16_t* to) {
  const hn::FixedTag<std::uint16_t, 8> d;
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  for (; i < count; ++i) put(from[i], to + i);
  for (; i < padded_count; ++i) put(0, to + i);
}
#endif

/// `count` rows, the words along a row: to[row * stride + word]. The rest of a row becomes zero.
template <class Format, typename T>
HWY_INLINE void pack_rows(Rows<const T> from, std::int64_t count, std::int64_t width, float* to, std::int64_t stride) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  for (std::int64_t r = 0; r < count; ++r) {
    const T* row = from.data + r * from.stride;
    float* out = to + r * stride;
    if constexpr (Format::depth == 2) {
#if IDDPM_KERNELS_BFLOAT16_DOT
      copy_padded(row, width, 2 * stride, reinterpret_cast<std::uint16_t*>(out));
#endif
    } else {
      std::int64_t i = 0;
      for (; i + lanes <= width; i += lanes) hn::StoreU(load(d, row + i), d, out + i);
      for (; i < width; ++i) out[i] = hn::GetLane(load(OneFloat(), row + i));
      for (; i < stride; ++i) out[i] = 0.0f;
    }
  }
}

#if IDDPM_KERNELS_BFLOAT16_DOT
/// to[2 * i], to[2 * i + 1] = first[i], second[i].
HWY_INLINE void interleave(const std::uint16_t* first, const std::uint16_t* second, std::int64_t count,
                           std::uint16_t* to) {
  const hn::FixedTag<std::uint16_t, 8> d;
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const auto a = hn::LoadU(d, first + i), b = hn::LoadU(d, second + i);
    hn::StoreU(hn::InterleaveLower(d, a, b), d, to + 2 * i);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + 2 * i + 8);
  }
  for (; i < count; ++i) {
    put(first[i], to + 2 * i);
    put(second[i], to + 2 * i + 1);
  }
}
#endif

/// `count` rows, the words across rows: to[row / depth * stride + column]. The rest, to `padded_count` rows, becomes
/// zero.
template <class Format, typename T>
HWY_INLINE void pack_columns(Rows<const T> from, std::int64_t count, std::int64_t padded_count, std::int64_t width,
                             float* to, std::int64_t stride) {
  if constexpr (Format::depth == 2) {
#if IDDPM_KERNELS_BFLOAT16_DOT
    std::fill(to + count / 2 * stride, to + padded_count / 2 * stride, 0.0f);
    for (std::int64_t r = 0; r + 2 <= count; r += 2) {
      const T* row = from.data + r * from.stride;
      float* out = to + r / 2 * stride;
      for (std::int64_t i = width; i < stride; ++i) out[i] = 0.0f;
      interleave(row, row + from.stride, width, reinterpret_cast<std::uint16_t*>(out));
    }
    if (count % 2 != 0) {
      const T* row = from.data + (count - 1) * from.stride;
      auto* out = reinterpret_cast<std::uint16_t*>(to + count / 2 * stride);
      for (std::int64_t i = 0; i < width; ++i) put(row[i], out + 2 * i);
    }
#endif
  } else {
    pack_rows<Format>(from, count, width, to, stride);
    std::fill(to + count * stride, to + padded_count * stride, 0.0f);
  }
}

/// to[column * to_stride + row] = from[row * from_stride + column]. Both extents are multiples of 4 where vectors are.
HWY_INLINE void transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
                          float* to, std::int64_t to_stride) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * from_stride + c];
  }
#else
  const hn::FixedTag<float, 4> d;
  for (std::int64_t c = 0; c < columns; c += 4) {
    for (std::int64_t r = 0; r < rows; r += 4) {
      const float* in = from + r * from_stride + c;
      const auto a = hn::LoadU(d, in), b = hn::LoadU(d, in + from_stride);
      const auto e = hn::LoadU(d, in + 2 * from_stride), f = hn::LoadU(d, in + 3 * from_stride);
      const auto ab_low = hn::InterleaveLower(d, a, b), ab_high = hn::InterleaveUpper(d, a, b);
      const auto ef_low = hn::InterleaveLower(d, e, f), ef_high = hn::InterleaveUpper(d, e, f);
      float* out = to + c * to_stride + r;
      hn::StoreU(hn::ConcatLowerLower(d, ef_low, ab_low), d, out);
      hn::StoreU(hn::ConcatUpperUpper(d, ef_low, ab_low), d, out + to_stride);
      hn::StoreU(hn::ConcatLowerLower(d, ef_high, ab_high), d, out + 2 * to_stride);
      hn::StoreU(hn::ConcatUpperUpper(d, ef_high, ab_high), d, out + 3 * to_stride);
    }
  }
#endif
}

/// Writes float32 rows, times `factor`.
template <typename T>
HWY_INLINE void write_rows(const float* from, std::int64_t stride, std::int64_t count, std::int64_t width, float factor,
                           Rows<T> to) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  for (std::int64_t r = 0; r < count; ++r) {
    const float* row = from + r * stride;
    T* out = to.data + r * to.stride;
    std::int64_t i = 0;
    for (; i + lanes <= width; i += lanes) store(hn::Mul(hn::LoadU(d, row + i), hn::Set(d, factor)), d, out + i);
    for (; i < width; ++i) store(hn::Set(OneFloat(), row[i] * factor), OneFloat(), out + i);
  }
}

/// The sum of products of two rows.
template <typename T>
HWY_INLINE float dot(const T* a, const T* b, std::int64_t count) {
  const hn::CappedTag<float, 8> d;
  const std::int64_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::MulAdd(load(d, a + i), load(d, b + i), sum);
  float result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) {
    result += hn::GetLane(load(OneFloat(), a + i)) * hn::GetLane(load(OneFloat(), b + i));
  }
  return result;
}

/// 2^x for x <= 0, with a relative error of 8e-8 for `exact`, else of 8e-5 (far below bfloat16's rounding); the
/// smallest normal number where that underflows. NaN stays NaN.
template <bool exact, class D, class V>
HWY_INLINE V exp2_negative(D d, V x) {
  const hn::Rebind<std::int32_t, D> i32;
  const V lowest = hn::Set(d, -126.0f);
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
  x = hn::Max(lowest, x);  // the second where one is NaN
#else
  x = hn::IfThenElse(hn::Lt(x, lowest), lowest, x);
#endif
  // Adding 1.5 * 2^23 rounds to an integer, which is then in the low bits.
  const V shifter = hn::Set(d, 12582912.0f);
  const V shifted = hn::Add(x, shifter);
  const V f = hn::Sub(x, hn::Sub(shifted, shifter));
  V power;  // minimax polynomials of 2^f on [-1/2, 1/2]
  if constexpr (exact) {
    power = hn::MulAdd(hn::Set(d, 0.001327647217f), f, hn::Set(d, 0.009675541331f));
    power = hn::MulAdd(power, f, hn::Set(d, 0.05550713273f));
    power = hn::MulAdd(power, f, hn::Set(d, 0.2402211972f));
    power = hn::MulAdd(power, f, hn::Set(d, 0.6931469671f));
    power = hn::MulAdd(power, f, hn::Set(d, 1.000000072f));
  } else {
    power = hn::MulAdd(hn::Set(d, 0.05517166909f), f, hn::Set(d, 0.2426111222f));
    power = hn::MulAdd(power, f, hn::Set(d, 0.6932609855f));
    power = hn::MulAdd(power, f, hn::Set(d, 0.9999280735f));
  }
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(i32, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(i32, power), exponent));
}

#if IDDPM_KERNELS_BFLOAT16_DOT
/// Words of the bfloat16 nearest to the lanes of two vectors, `low` in the low halves.
template <class D, class V>
HWY_INLINE V pair_words(D d, V low, V high) {
  const hn::Rebind<std::uint32_t, D> u32;
  const hn::Repartition<std::uint16_t, decltype(u32)> u16;
  const auto half = hn::Set(u32, 0x8000);
  const auto low_bits = hn::ShiftRight<16>(hn::Add(hn::BitCast(u32, low), half));
  const auto high_bits = hn::Add(hn::BitCast(u32, high), half);
  return hn::BitCast(d, hn::OddEven(hn::BitCast(u16, high_bits), hn::BitCast(u16, low_bits)));
}

/// Writes the bfloat16 nearest to a vector's lanes, neighbouring lanes in one word.
template <class V>
HWY_INLINE void store_neighbours(V v, float* to) {
  const hn::FixedTag<float, 8> half;
  hn::Vec<decltype(half)> words;
  asm("vcvtneps2bf16 %1, %0" : "=v"(words.raw) : "v"(v.raw));
  hn::StoreU(words, half, to);
}
#endif

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
