#include "iddpm/kernels/cpu/pointwise_vector.h"

#include "iddpm/kernels/cpu/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/cpu/pointwise_vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

/// body(tag, index) for whole vectors, then single elements.
template <class Body>
HWY_INLINE void for_vectors(std::int64_t count, const Body& body) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(OneFloat(), i);
}

template <class T>
void silu_forward_all(const T* x, T* y, std::int64_t count) {
  for_vectors(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto value = load(d, x + i);
    store(hn::Mul(value, sigmoid(d, value)), d, y + i);
  });
}

template <class T>
void silu_backward_all(const T* x, const T* dy, T* dx, std::int64_t count) {
  for_vectors(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto value = load(d, x + i);
    const auto s = sigmoid(d, value);
    const auto slope = hn::MulAdd(hn::Mul(value, s), hn::Sub(hn::Set(d, 1.0f), s), s);
    store(hn::Mul(load(d, dy + i), slope), d, dx + i);
  });
}

template <class T>
void add_four_all(const T* a, const T* b, const T* c, const T* e, float factor, T* y, std::int64_t count) {
  for_vectors(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto sum = hn::Add(hn::Add(load(d, a + i), load(d, b + i)), hn::Add(load(d, c + i), load(d, e + i)));
    store(hn::Mul(sum, hn::Set(d, factor)), d, y + i);
  });
}

template <class T>
void scale_all(const T* x, float factor, T* y, std::int64_t count) {
  for_vectors(count,
              [&](auto d, std::int64_t i) HWY_ATTR { store(hn::Mul(load(d, x + i), hn::Set(d, factor)), d, y + i); });
}

template <class T>
void adamw_all(float* parameter, const T* gradient, float* exp_avg, float* exp_avg_sq, const AverageFactors* averages,
               std::int64_t average_count, const AdamWFactors& f, std::int64_t count) {
  for_vectors(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto set = [&](float value) HWY_ATTR { return hn::Set(d, value); };
    const auto g = hn::Mul(load(d, gradient + i), set(f.gradient_factor));
    const auto first = hn::MulAdd(hn::LoadU(d, exp_avg + i), set(f.beta1), hn::Mul(g, set(f.one_minus_beta1)));
    const auto second =
        hn::MulAdd(hn::LoadU(d, exp_avg_sq + i), set(f.beta2), hn::Mul(hn::Mul(g, g), set(f.one_minus_beta2)));
    const auto denominator = hn::MulAdd(hn::Sqrt(second), set(f.inverse_correction), set(f.epsilon));
    const auto decayed = hn::Mul(hn::LoadU(d, parameter + i), set(f.decay));
    const auto moved = hn::Sub(decayed, hn::Div(hn::Mul(first, set(f.step_size)), denominator));
    hn::StoreU(first, d, exp_avg + i);
    hn::StoreU(second, d, exp_avg_sq + i);
    hn::StoreU(moved, d, parameter + i);
    for (std::int64_t a = 0; a < average_count; ++a) {
      float* average = averages[a].average + i;
      const auto old = hn::Mul(hn::LoadU(d, average), set(averages[a].rate));
      hn::StoreU(hn::MulAdd(moved, set(averages[a].one_minus_rate), old), d, average);
    }
  });
}

// HWY_EXPORT takes plain functions: one per type.
#define IDDPM_KERNELS_POINTWISE(T, suffix)                                                                         \
  void silu_forward_##suffix(const T* x, T* y, std::int64_t count) { silu_forward_all(x, y, count); }              \
  void silu_backward_##suffix(const T* x, const T* dy, T* dx, std::int64_t count) {                                \
    silu_backward_all(x, dy, dx, count);                                                                           \
  }                                                                                                                \
  void add_four_##suffix(const T* a, const T* b, const T* c, const T* d, float factor, T* y, std::int64_t count) { \
    add_four_all(a, b, c, d, factor, y, count);                                                                    \
  }                                                                                                                \
  void scale_##suffix(const T* x, float factor, T* y, std::int64_t count) { scale_all(x, factor, y, count); }      \
  void adamw_##suffix(float* parameter, const T* gradient, float* exp_avg, float* exp_avg_sq,                      \
                      const AverageFactors* averages, std::int64_t average_count, const AdamWFactors& factors,     \
                      std::int64_t count) {                                                                        \
    adamw_all(parameter, gradient, exp_avg, exp_avg_sq, averages, average_count, factors, count);                  \
  }
IDDPM_KERNELS_POINTWISE(float, float32)
IDDPM_KERNELS_POINTWISE(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_POINTWISE

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {

#define IDDPM_KERNELS_POINTWISE(T, suffix)                                                                   \
  HWY_EXPORT(silu_forward_##suffix);                                                                         \
  HWY_EXPORT(silu_backward_##suffix);                                                                        \
  HWY_EXPORT(add_four_##suffix);                                                                             \
  HWY_EXPORT(scale_##suffix);                                                                                \
  HWY_EXPORT(adamw_##suffix);                                                                                \
  template <>                                                                                                \
  void silu_forward<T>(const T* x, T* y, std::int64_t count) {                                               \
    HWY_DYNAMIC_DISPATCH(silu_forward_##suffix)(x, y, count);                                                \
  }                                                                                                          \
  template <>                                                                                                \
  void silu_backward<T>(const T* x, const T* dy, T* dx, std::int64_t count) {                                \
    HWY_DYNAMIC_DISPATCH(silu_backward_##suffix)(x, dy, dx, count);                                          \
  }                                                                                                          \
  template <>                                                                                                \
  void add_four<T>(const T* a, const T* b, const T* c, const T* d, float factor, T* y, std::int64_t count) { \
    HWY_DYNAMIC_DISPATCH(add_four_##suffix)(a, b, c, d, factor, y, count);                                   \
  }                                                                                                          \
  template <>                                                                                                \
  void scale<T>(const T* x, float factor, T* y, std::int64_t count) {                                        \
    HWY_DYNAMIC_DISPATCH(scale_##suffix)(x, factor, y, count);                                               \
  }                                                                                                          \
  template <>                                                                                                \
  void adamw<T>(float* parameter, const T* gradient, float* exp_avg, float* exp_avg_sq,                      \
                const AverageFactors* averages, std::int64_t average_count, const AdamWFactors& factors,     \
                std::int64_t count) {                                                                        \
    HWY_DYNAMIC_DISPATCH(adamw_##suffix)                                                                     \
    (parameter, gradient, exp_avg, exp_avg_sq, averages, average_count, factors, count);                     \
  }
IDDPM_KERNELS_POINTWISE(float, float32)
IDDPM_KERNELS_POINTWISE(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_POINTWISE

}  // namespace iddpm::kernels
#endif
