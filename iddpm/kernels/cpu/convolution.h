#pragma once

#include "iddpm/kernels/operation_types.h"

/// Convolutions on CPUs, float32 or bfloat16 activations in channels-last, weights of any floating type (float32 master
/// weights are converted on the way). Gradients of x, weight, bias and residual; those of the weights are accumulated
/// in float32.
namespace iddpm::kernels::cpu {

/// `bias` and `residual` may be undefined.
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                   ConvolutionOptions options);

}  // namespace iddpm::kernels::cpu
