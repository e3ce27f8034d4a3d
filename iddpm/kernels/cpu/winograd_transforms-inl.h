// Winograd's transforms, compiled once per instruction set: include after hwy/highway.h, outside any namespace.
#if defined(IDDPM_KERNELS_WINOGRAD_TRANSFORMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IDDPM_KERNELS_WINOGRAD_TRANSFORMS_INL_H_
#undef IDDPM_KERNELS_WINOGRAD_TRANSFORMS_INL_H_
#else
#define IDDPM_KERNELS_WINOGRAD_TRANSFORMS_INL_H_
#endif

#include "hwy/highway.h"
#include "iddpm/kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

// F(4 x 4, 3 x 3) of Lavin & Gray 2015 (arXiv 1509.09308) with the points 0, 1, -1, 2, -2 and infinity: y = A^T ((G w)
// * (B^T x)). Each transform in one dimension; transform_2d applies it to columns and then to rows.

/// B^T: six pixels to six points.
struct InputTransform {
  static constexpr int from = 6, to = 6;
  template <class D, class V>
  static HWY_INLINE void apply(D d, const V* x, V* v) {
    const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), five = hn::Set(d, 5.0f);
    const V even = hn::NegMulAdd(four, x[2], x[4]), odd = hn::NegMulAdd(four, x[1], x[3]);
    const V even2 = hn::Sub(x[4], x[2]), odd2 = hn::Sub(x[3], x[1]);
    v[0] = hn::MulAdd(four, x[0], hn::NegMulAdd(five, x[2], x[4]));
    v[1] = hn::Add(even, odd);
    v[2] = hn::Sub(even, odd);
    v[3] = hn::MulAdd(two, odd2, even2);
    v[4] = hn::NegMulAdd(two, odd2, even2);
    v[5] = hn::MulAdd(four, x[1], hn::NegMulAdd(five, x[3], x[5]));
  }
};

/// A^T: six points to four pixels.
struct OutputTransform {
  static constexpr int from = 6, to = 4;
  template <class D, class V>
  static HWY_INLINE void apply(D d, const V* m, V* y) {
    const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), eight = hn::Set(d, 8.0f);
    const V sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
    const V sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(hn::Add(m[0], sum1), sum2);
    y[1] = hn::MulAdd(two, difference2, difference1);
    y[2] = hn::MulAdd(four, sum2, sum1);
    y[3] = hn::Add(hn::MulAdd(eight, difference2, difference1), m[5]);
  }
};

/// A: the gradient of four pixels to that of six points.
struct OutputGradientTransform {
  static constexpr int from = 4, to = 6;
  template <class D, class V>
  static HWY_INLINE void apply(D d, const V* y, V* m) {
    const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), eight = hn::Set(d, 8.0f);
    const V even = hn::Add(y[0], y[2]), odd = hn::Add(y[1], y[3]);
    const V even2 = hn::MulAdd(four, y[2], y[0]), odd2 = hn::MulAdd(eight, y[3], hn::Mul(two, y[1]));
    m[0] = y[0];
    m[1] = hn::Add(even, odd);
    m[2] = hn::Sub(even, odd);
    m[3] = hn::Add(even2, odd2);
    m[4] = hn::Sub(even2, odd2);
    m[5] = y[3];
  }
};

/// G: three weights to six points.
struct WeightTransform {
  static constexpr int from = 3, to = 6;
  template <class D, class V>
  static HWY_INLINE void apply(D d, const V* w, V* u) {
    const V quarter = hn::Set(d, 1.0f / 4), sixth = hn::Set(d, 1.0f / 6), twelfth = hn::Set(d, 1.0f / 12);
    const V ends = hn::Mul(hn::Neg(sixth), hn::Add(w[0], w[2])), middle = hn::Mul(sixth, w[1]);
    const V ends2 = hn::MulAdd(sixth, w[2], hn::Mul(hn::Set(d, 1.0f / 24), w[0])), middle2 = hn::Mul(twelfth, w[1]);
    u[0] = hn::Mul(quarter, w[0]);
    u[1] = hn::Sub(ends, middle);
    u[2] = hn::Add(ends, middle);
    u[3] = hn::Add(ends2, middle2);
    u[4] = hn::Sub(ends2, middle2);
    u[5] = w[2];
  }
};

/// G^T: the gradient of six points to that of three weights.
struct WeightGradientTransform {
  static constexpr int from = 6, to = 3;
  template <class D, class V>
  static HWY_INLINE void apply(D d, const V* u, V* w) {
    const V quarter = hn::Set(d, 1.0f / 4), sixth = hn::Set(d, 1.0f / 6), twelfth = hn::Set(d, 1.0f / 12);
    const V sum1 = hn::Mul(sixth, hn::Add(u[1], u[2])), difference1 = hn::Sub(u[2], u[1]);
    const V sum2 = hn::Add(u[3], u[4]), difference2 = hn::Sub(u[3], u[4]);
    w[0] = hn::Sub(hn::MulAdd(quarter, u[0], hn::Mul(hn::Set(d, 1.0f / 24), sum2)), sum1);
    w[1] = hn::MulAdd(sixth, difference1, hn::Mul(twelfth, difference2));
    w[2] = hn::Sub(hn::MulAdd(sixth, sum2, u[5]), sum1);
  }
};

/// x, from x from vectors in rows, to y, to x to.
template <class Transform, class D, class V>
HWY_INLINE void transform_2d(D d, const V* x, V* y) {
  constexpr int from = Transform::from, to = Transform::to;
  V half[to * from];
#pragma GCC unroll 6
  for (int c = 0; c < from; ++c) {
    V in[from], out[to];
#pragma GCC unroll 6
    for (int r = 0; r < from; ++r) in[r] = x[r * from + c];
    Transform::apply(d, in, out);
#pragma GCC unroll 6
    for (int r = 0; r < to; ++r) half[r * from + c] = out[r];
  }
#pragma GCC unroll 6
  for (int r = 0; r < to; ++r) Transform::apply(d, half + r * from, y + r * to);
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
