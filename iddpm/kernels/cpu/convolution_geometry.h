#pragma once

#include <compare>

#include "iddpm/kernels/operation_types.h"

namespace iddpm::kernels::cpu {

/// Everything that decides how a convolution is computed: extents, element type and what is fused.
struct ConvolutionGeometry {
  std::int64_t images, channels, height, width;
  std::int64_t out_channels, kernel_height, kernel_width;
  std::int64_t stride, padding;
  bool bfloat16;  ///< type of x, y and their gradients; weights and their gradients are float32 outside
  bool bias;
  bool residual;

  std::int64_t out_height() const { return (height + 2 * padding - kernel_height) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel_width) / stride + 1; }
  auto operator<=>(const ConvolutionGeometry&) const = default;
};

ConvolutionGeometry geometry_of(const Tensor& x, const Tensor& weight, bool bias, bool residual,
                                ConvolutionOptions options);

}  // namespace iddpm::kernels::cpu
