#pragma once

#include "iddpm/kernels/operation_types.h"

namespace iddpm::kernels::cpu {

/// Self-attention on CPUs, float32 or bfloat16 with float32 arithmetic, one head at a time without a T x T matrix in
/// memory. Backward computes the weights again from the logarithms of their sums.
Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order);

}  // namespace iddpm::kernels::cpu
