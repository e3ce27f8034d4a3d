#pragma once

#include "iddpm/core/tensor.h"

/// Affine maps on CPUs, for the small batches of embeddings: LibTorch's own depends on the BLAS it was built with,
/// which on Debian is a plain loop.
namespace iddpm::kernels::cpu {

/// Can `linear` take these: dense CPU tensors, x float32 or bfloat16, the weight and bias float32 or x's type?
bool is_fast_linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

/// x [..., in] times weight [out, in] transposed, plus bias [out] or undefined -> [..., out] of x's type.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace iddpm::kernels::cpu
