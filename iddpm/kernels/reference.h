#pragma once

#include "iddpm/kernels/operations.h"

/// The plain implementation of every operation, in LibTorch's own operations: the definition that the fast ones are
/// tested against. Works on any device, differentiable by autograd. Weights are converted to the activations' type;
/// statistics, softmax and sigmoids are computed in float32 (in float64 for float64 activations).
namespace iddpm::kernels::reference {

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvolutionOptions options);

Tensor convolution_add(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                       ConvolutionOptions options);

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double epsilon);

Tensor group_norm_silu(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                       const ScaleShift& scale_shift, const DropoutOptions& dropout, double epsilon);

/// The words of layers first .. first + count - 1, [count, 2, N] int64.
Tensor dropout_words(const Tensor& keys, std::int64_t first, std::int64_t count);

/// The elements that dropout keeps, as booleans of x's shape: hash(key, layer, index) >= probability * 2^32, where
/// index counts the image's elements in [C, H, W] order (see dropout_hash.h).
Tensor dropout_mask(const Tensor& x, const DropoutOptions& dropout);

Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order);

Tensor silu(const Tensor& x);

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

Tensor upsample_nearest(const Tensor& x);

Tensor average_pool(const Tensor& x);

Tensor concatenate_channels(const Tensor& a, const Tensor& b);

}  // namespace iddpm::kernels::reference
