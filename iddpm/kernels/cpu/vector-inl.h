// Vector helpers, compiled once per instruction set: include after hwy/highway.h, outside any namespace.
#if defined(IDDPM_KERNELS_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_VECTOR_INL_H_
#undef IDDPM_KERNELS_VECTOR_INL_H_
#else
#define IDDPM_KERNELS_VECTOR_INL_H_
#endif

#include <cstdint>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
#include "iddpm/kernels/dropout_hash.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
/// For what is left when a vector no longer fits.
using OneFloat = hn::CappedTag<float, 1>;

// Loads and stores of either type of activation as float32. bfloat16 numbers are handled as their 16 bits.
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* from) {
  return hn::LoadU(d, from);
}

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const std::uint16_t* from) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint32_t, D> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from))));
}

template <class D>
HWY_INLINE void store(hn::Vec<D> v, D d, float* to) {
  hn::StoreU(v, d, to);
}

/// Rounds to nearest, ties to even. The NaNs that arithmetic makes stay NaNs.
template <class D>
HWY_INLINE void store(hn::Vec<D> v, D, std::uint16_t* to) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint32_t, D> d32;
  const hn::Rebind<std::int32_t, D> i32;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, odd), hn::Set(d32, 0x7fff)));
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(i32, rounded)), d16, to);
}

/// 1 / (1 + exp(-x)).
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V exponential = hn::Exp(d, hn::Min(hn::Neg(x), hn::Set(d, 88.0f)));
  return hn::Div(one, hn::Add(one, exponential));
}

/// mix() of dropout_hash.h, lane by lane.
template <class V>
HWY_INLINE V mix_lanes(V x) {
  const hn::DFromV<V> d;
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<16>(x)), hn::Set(d, mix_factor_1));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(d, mix_factor_2));
  return hn::Xor(x, hn::ShiftRight<15>(x));
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
