#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"
#include "iddpm/kernels/operation_types.h"

/// The operations that the networks are made of. Each is differentiable, works on any device and type, and has two
/// implementations: the plain one in LibTorch's own operations (kernels/reference.h), which is the definition, and
/// where it pays a fast one for CPUs, chosen by dispatch on device, type and processor. Activations are [N, C, H, W]
/// (any memory format; the fast path keeps channels-last); weights, biases and scales may be of another floating-point
/// type than they (float32 beside bfloat16), the result has theirs, and gradients have the type of what they belong to.
namespace iddpm::kernels {

/// 2-D convolution. x [N, C, H, W], weight [K, C, R, S], bias [K] or undefined -> [N, K, H', W'].
Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvolutionOptions options);

/// `convolution(...) + residual`, for the last convolution of a residual block. residual [N, K, H', W'].
Tensor convolution_add(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                       ConvolutionOptions options);

/// Group normalisation (Wu & He 2018, statistics in float32). x [N, C, ...], weight and bias [C].
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                  double epsilon = 1e-5);

/// dropout(SiLU(group_norm(x) * (1 + scale) + shift)), the body of a residual block between its convolutions.
Tensor group_norm_silu(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                       const ScaleShift& scale_shift = {}, const DropoutOptions& dropout = {}, double epsilon = 1e-5);

/// What dropout masks are made from: two numbers below 2^32 for each layer and image, [layers, 2, N] int64 (the words
/// of dropout_hash.h). keys [N] int64. Made once for all layers, they cost a device a few launches instead of as many
/// in each layer. Undefined on a CPU, whose fast implementations make them as they go, unless the plain path is asked
/// for.
Tensor dropout_words(const Tensor& keys, std::int64_t layers);

/// Multi-head self-attention. qkv [N, 3 * C, T] -> [N, C, T]: softmax(q k / sqrt(width)) v per head, softmax in
/// float32.
Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order);

/// x * sigmoid(x).
Tensor silu(const Tensor& x);

/// x [..., in] times weight [out, in] transposed, plus bias [out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

/// Nearest-neighbour upsampling to twice the height and width.
Tensor upsample_nearest(const Tensor& x);

/// 2 x 2 average pooling with stride 2.
Tensor average_pool(const Tensor& x);

/// Concatenation of two activations along channels.
Tensor concatenate_channels(const Tensor& a, const Tensor& b);

}  // namespace iddpm::kernels
