#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm::baselines {

/// The transposed convolution that doubles height and width: 4 x 4 kernel, stride 2, padding 1. x [N, C, H, W], weight
/// [C, K, 4, 4] -> [N, K, 2 H, 2 W]. It is LibTorch's conv_transpose2d, computed as what it is, the gradient of a
/// convolution with respect to its input: on CPUs LibTorch's own goes through a matrix product as slow as the BLAS that
/// happens to be installed.
Tensor transposed_convolution(const Tensor& x, const Tensor& weight);

}  // namespace iddpm::baselines
