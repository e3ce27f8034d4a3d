#include "iddpm/kernels/cpu/group_norm_vector.h"

#include <algorithm>

#include "iddpm/kernels/cpu/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/cpu/group_norm_vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

/// 0 or the dropout scale for the elements (pixel, channel...) of the lanes. Indices count [C, H, W], so lanes are
/// `pixels` apart.
template <class D>
class DropoutLanes {
 public:
  DropoutLanes(const DropoutDraw& draw, PixelRange range)
      : first_(hn::Set(u32_, draw.words.first)),
        second_(hn::Set(u32_, draw.words.second)),
        threshold_(hn::Set(u32_, draw.threshold)),
        scale_(hn::Set(D(), draw.scale)),
        lane_(hn::Mul(hn::Iota(u32_, 0), hn::Set(u32_, static_cast<std::uint32_t>(range.pixels)))),
        pixels_(range.pixels) {}

  HWY_INLINE hn::Vec<D> operator()(std::int64_t pixel, std::int64_t channel) const {
    const auto index = hn::Add(lane_, hn::Set(u32_, static_cast<std::uint32_t>(channel * pixels_ + pixel)));
    const auto bits = mix_lanes(hn::Xor(mix_lanes(hn::Xor(index, first_)), second_));
    const auto keep = hn::Eq(hn::Max(bits, threshold_), bits);
    return hn::IfThenElseZero(hn::RebindMask(D(), keep), scale_);
  }

 private:
  using Words = hn::Rebind<std::uint32_t, D>;
  Words u32_;
  hn::Vec<Words> first_, second_, threshold_;
  hn::Vec<D> scale_;
  hn::Vec<Words> lane_;
  std::int64_t pixels_;
};

/// Calls body(tag, channel, vectors) on blocks of up to four vectors of channels, then on single ones.
template <class Body>
HWY_INLINE void for_channel_blocks(std::int64_t channels, const Body& body) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) body(d, c);
  for (; c < channels; ++c) body(OneFloat(), c);
}

constexpr std::int64_t block_pixels = 64;  // of so few pixels that they stay in the first-level cache

template <class D, class T>
HWY_INLINE void moments_of_block(D d, const T* x, std::int64_t count, std::int64_t stride, const float* origin,
                                 float* sum, float* square) {
  const auto middle = hn::LoadU(d, origin);
  auto s0 = hn::Zero(d), s1 = hn::Zero(d), q0 = hn::Zero(d), q1 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 <= count; i += 2) {
    const auto a = hn::Sub(load(d, x + i * stride), middle);
    const auto b = hn::Sub(load(d, x + (i + 1) * stride), middle);
    s0 = hn::Add(s0, a);
    s1 = hn::Add(s1, b);
    q0 = hn::MulAdd(a, a, q0);
    q1 = hn::MulAdd(b, b, q1);
  }
  if (i < count) {
    const auto a = hn::Sub(load(d, x + i * stride), middle);
    s0 = hn::Add(s0, a);
    q0 = hn::MulAdd(a, a, q0);
  }
  hn::StoreU(hn::Add(hn::LoadU(d, sum), hn::Add(s0, s1)), d, sum);
  hn::StoreU(hn::Add(hn::LoadU(d, square), hn::Add(q0, q1)), d, square);
}

template <class T>
HWY_INLINE void moments(const T* x, const PixelRange& range, const float* origin, float* sum, float* square) {
  for (std::int64_t p = range.begin; p < range.end; p += block_pixels) {
    const std::int64_t count = std::min(block_pixels, range.end - p);
    const T* block = x + p * range.channels;
    for_channel_blocks(range.channels, [&](auto d, std::int64_t c) HWY_ATTR {
      moments_of_block(d, block + c, count, range.channels, origin + c, sum + c, square + c);
    });
  }
}

template <bool silu, bool drop, class D, class T>
HWY_INLINE void normalise_vector(D d, const T* x, T* y, const float* multiplier, const float* offset,
                                 const DropoutLanes<D>& dropout, std::int64_t pixel, std::int64_t channel) {
  auto z = hn::MulAdd(load(d, x), hn::LoadU(d, multiplier), hn::LoadU(d, offset));
  if constexpr (silu) z = hn::Mul(z, sigmoid(d, z));
  if constexpr (drop) z = hn::Mul(z, dropout(pixel, channel));
  store(z, d, y);
}

template <bool silu, bool drop, class T>
void normalise_range(const T* x, T* y, const PixelRange& range, const float* multiplier, const float* offset,
                     const DropoutDraw& draw) {
  const DropoutLanes<Floats> dropout(draw, range);
  const DropoutLanes<OneFloat> dropout_one(draw, range);
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t p = range.begin; p < range.end; ++p) {
    const T* from = x + p * range.channels;
    T* to = y + p * range.channels;
    std::int64_t c = 0;
    for (; c + lanes <= range.channels; c += lanes) {
      normalise_vector<silu, drop>(d, from + c, to + c, multiplier + c, offset + c, dropout, p, c);
    }
    for (; c < range.channels; ++c) {
      normalise_vector<silu, drop>(OneFloat(), from + c, to + c, multiplier + c, offset + c, dropout_one, p, c);
    }
  }
}

/// The gradient of the activation's argument.
template <bool silu, bool drop, class D, class V>
HWY_INLINE V argument_gradient(D d, V x, V dy, const NormChannels& channels, std::int64_t c,
                               const DropoutLanes<D>& dropout, std::int64_t pixel) {
  if constexpr (drop) dy = hn::Mul(dy, dropout(pixel, c));
  if constexpr (silu) {
    const V z = hn::MulAdd(x, hn::LoadU(d, channels.multiplier + c), hn::LoadU(d, channels.offset + c));
    const V s = sigmoid(d, z);
    // silu'(z) = s + z s (1 - s)
    dy = hn::Mul(dy, hn::MulAdd(hn::Mul(z, s), hn::Sub(hn::Set(d, 1.0f), s), s));
  }
  return dy;
}

template <bool silu, bool drop, class D, class T>
HWY_INLINE void gradient_sums_of_block(D d, const T* x, const T* dy, std::int64_t first_pixel, std::int64_t count,
                                       std::int64_t stride, std::int64_t c, const NormChannels& channels,
                                       const DropoutLanes<D>& dropout, float* sum, float* product) {
  const auto rstd = hn::LoadU(d, channels.rstd + c);
  const auto centre = hn::LoadU(d, channels.centre + c);
  auto s = hn::Zero(d), q = hn::Zero(d);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = load(d, x + i * stride + c);
    const auto gradient =
        argument_gradient<silu, drop>(d, value, load(d, dy + i * stride + c), channels, c, dropout, first_pixel + i);
    s = hn::Add(s, gradient);
    q = hn::MulAdd(gradient, hn::MulAdd(value, rstd, centre), q);
  }
  hn::StoreU(hn::Add(hn::LoadU(d, sum + c), s), d, sum + c);
  hn::StoreU(hn::Add(hn::LoadU(d, product + c), q), d, product + c);
}

template <bool silu, bool drop, class T>
void gradient_sums(const T* x, const T* dy, const PixelRange& range, const NormChannels& channels,
                   const DropoutDraw& draw, float* sum, float* product) {
  const DropoutLanes<Floats> dropout(draw, range);
  const DropoutLanes<OneFloat> dropout_one(draw, range);
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t p = range.begin; p < range.end; p += block_pixels) {
    const std::int64_t count = std::min(block_pixels, range.end - p);
    const T* from = x + p * range.channels;
    const T* gradient = dy + p * range.channels;
    std::int64_t c = 0;
    for (; c + lanes <= range.channels; c += lanes) {
      gradient_sums_of_block<silu, drop>(d, from, gradient, p, count, range.channels, c, channels, dropout, sum,
                                         product);
    }
    for (; c < range.channels; ++c) {
      gradient_sums_of_block<silu, drop>(OneFloat(), from, gradient, p, count, range.channels, c, channels, dropout_one,
                                         sum, product);
    }
  }
}

template <bool silu, bool drop, class D, class T>
HWY_INLINE void backward_vector(D d, const T* x, const T* dy, T* dx, const NormChannels& channels,
                                const GradientChannels& gradient, const DropoutLanes<D>& dropout, std::int64_t pixel,
                                std::int64_t c) {
  const auto value = load(d, x + c);
  const auto dz = argument_gradient<silu, drop>(d, value, load(d, dy + c), channels, c, dropout, pixel);
  const auto rest = hn::MulAdd(value, hn::LoadU(d, gradient.of_input + c), hn::LoadU(d, gradient.constant + c));
  store(hn::MulAdd(dz, hn::LoadU(d, gradient.of_gradient + c), rest), d, dx + c);
}

template <bool silu, bool drop, class T>
void backward_range(const T* x, const T* dy, T* dx, const PixelRange& range, const NormChannels& channels,
                    const DropoutDraw& draw, const GradientChannels& gradient) {
  const DropoutLanes<Floats> dropout(draw, range);
  const DropoutLanes<OneFloat> dropout_one(draw, range);
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t p = range.begin; p < range.end; ++p) {
    const std::int64_t at = p * range.channels;
    std::int64_t c = 0;
    for (; c + lanes <= range.channels; c += lanes) {
      backward_vector<silu, drop>(d, x + at, dy + at, dx + at, channels, gradient, dropout, p, c);
    }
    for (; c < range.channels; ++c) {
      backward_vector<silu, drop>(OneFloat(), x + at, dy + at, dx + at, channels, gradient, dropout_one, p, c);
    }
  }
}

/// body(silu, drop) with the activation's two choices as constants.
template <class Body>
HWY_INLINE void choose(const NormActivation& activation, const Body& body) {
  constexpr std::true_type yes;
  constexpr std::false_type no;
  const bool drop = activation.dropout.threshold > 0;
  if (activation.silu) {
    drop ? body(yes, yes) : body(yes, no);
  } else {
    drop ? body(no, yes) : body(no, no);
  }
}

// HWY_EXPORT takes plain functions: one per type.
#define IDDPM_KERNELS_GROUP_NORM(T, suffix)                                                                           \
  void add_moments_##suffix(const T* x, PixelRange range, const float* origin, float* sum, float* square) {           \
    moments(x, range, origin, sum, square);                                                                           \
  }                                                                                                                   \
  void normalise_##suffix(const T* x, T* y, PixelRange range, const float* multiplier, const float* offset,           \
                          const NormActivation& a) {                                                                  \
    choose(a, [&](auto silu, auto drop)                                                                               \
                  HWY_ATTR { normalise_range<silu.value, drop.value>(x, y, range, multiplier, offset, a.dropout); }); \
  }                                                                                                                   \
  void add_gradient_sums_##suffix(const T* x, const T* dy, PixelRange range, const NormChannels& channels,            \
                                  const NormActivation& a, float* sum, float* product) {                              \
    choose(a, [&](auto silu, auto drop) HWY_ATTR {                                                                    \
      gradient_sums<silu.value, drop.value>(x, dy, range, channels, a.dropout, sum, product);                         \
    });                                                                                                               \
  }                                                                                                                   \
  void normalise_backward_##suffix(const T* x, const T* dy, T* dx, PixelRange range, const NormChannels& channels,    \
                                   const NormActivation& a, const GradientChannels& gradient) {                       \
    choose(a, [&](auto silu, auto drop) HWY_ATTR {                                                                    \
      backward_range<silu.value, drop.value>(x, dy, dx, range, channels, a.dropout, gradient);                        \
    });                                                                                                               \
  }
IDDPM_KERNELS_GROUP_NORM(float, float32)
IDDPM_KERNELS_GROUP_NORM(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_GROUP_NORM

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {

#define IDDPM_KERNELS_GROUP_NORM(T, suffix)                                                                  \
  HWY_EXPORT(add_moments_##suffix);                                                                          \
  HWY_EXPORT(normalise_##suffix);                                                                            \
  HWY_EXPORT(add_gradient_sums_##suffix);                                                                    \
  HWY_EXPORT(normalise_backward_##suffix);                                                                   \
  template <>                                                                                                \
  void add_moments<T>(const T* x, PixelRange range, const float* origin, float* sum, float* square) {        \
    HWY_DYNAMIC_DISPATCH(add_moments_##suffix)(x, range, origin, sum, square);                               \
  }                                                                                                          \
  template <>                                                                                                \
  void normalise<T>(const T* x, T* y, PixelRange range, const float* multiplier, const float* offset,        \
                    const NormActivation& activation) {                                                      \
    HWY_DYNAMIC_DISPATCH(normalise_##suffix)(x, y, range, multiplier, offset, activation);                   \
  }                                                                                                          \
  template <>                                                                                                \
  void add_gradient_sums<T>(const T* x, const T* dy, PixelRange range, const NormChannels& channels,         \
                            const NormActivation& activation, float* sum, float* product) {                  \
    HWY_DYNAMIC_DISPATCH(add_gradient_sums_##suffix)(x, dy, range, channels, activation, sum, product);      \
  }                                                                                                          \
  template <>                                                                                                \
  void normalise_backward<T>(const T* x, const T* dy, T* dx, PixelRange range, const NormChannels& channels, \
                             const NormActivation& activation, const GradientChannels& gradient) {           \
    HWY_DYNAMIC_DISPATCH(normalise_backward_##suffix)(x, dy, dx, range, channels, activation, gradient);     \
  }
IDDPM_KERNELS_GROUP_NORM(float, float32)
IDDPM_KERNELS_GROUP_NORM(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_GROUP_NORM

}  // namespace iddpm::kernels
#endif
