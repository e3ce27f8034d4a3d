#pragma once

#include "iddpm/kernels/operations.h"

/// Self-attention for CPUs in one pass per head and block of queries: float32 or bfloat16, the T x T matrix of
/// probabilities is never stored. Backward recomputes the probabilities from each query's log-sum-exp.
namespace iddpm::kernels::cpu {

/// qkv [N, 3 * C, T] of either type, best with channels contiguous (as a channels-last convolution leaves it) ->
/// [N, C, T] in channels-last layout, with qkv's type.
Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order);

}  // namespace iddpm::kernels::cpu
