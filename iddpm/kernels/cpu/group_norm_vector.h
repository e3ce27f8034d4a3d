#pragma once

#include <cstdint>

#include "iddpm/kernels/dropout_hash.h"

/// The passes of group normalisation over one image, or a range of its pixels, in channels-last layout: element (pixel,
/// channel) is at pixel * channels + channel. T is float, or std::uint16_t for bfloat16's bits. Vectorised for the
/// processor at hand; one thread.
namespace iddpm::kernels {

/// A range of one image's pixels.
struct PixelRange {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t channels;
  std::int64_t pixels;  ///< of the whole image
};

/// How dropout is drawn in one image; threshold 0: none.
struct DropoutDraw {
  DropoutWords words{};
  std::uint32_t threshold = 0;
  float scale = 1.0f;  ///< of what is kept
};

/// What follows the normalisation.
struct NormActivation {
  bool silu = false;
  DropoutDraw dropout;
};

/// Per channel c over the range: sum[c] += x - origin[c], square[c] += (x - origin[c])^2.
template <typename T>
void add_moments(const T* x, PixelRange range, const float* origin, float* sum, float* square);

/// y = activation(x * multiplier[c] + offset[c]).
template <typename T>
void normalise(const T* x, T* y, PixelRange range, const float* multiplier, const float* offset,
               const NormActivation& activation);

/// What backward needs per channel: the normalised x is x * rstd + centre, the activation's argument x * multiplier +
/// offset.
struct NormChannels {
  const float* rstd;
  const float* centre;
  const float* multiplier;
  const float* offset;
};

/// With dz the gradient of the activation's argument: sum[c] += dz, product[c] += dz * normalised x.
template <typename T>
void add_gradient_sums(const T* x, const T* dy, PixelRange range, const NormChannels& channels,
                       const NormActivation& activation, float* sum, float* product);

/// dx = dz * a[c] + x * b[c] + c[c], the three arrays given in `gradient`.
struct GradientChannels {
  const float* of_gradient;
  const float* of_input;
  const float* constant;
};

template <typename T>
void normalise_backward(const T* x, const T* dy, T* dx, PixelRange range, const NormChannels& channels,
                        const NormActivation& activation, const GradientChannels& gradient);

}  // namespace iddpm::kernels
