#pragma once

#include "iddpm/kernels/operation_types.h"

/// Group normalisation with what follows it in one pass over memory, for CPUs: float32 or bfloat16 activations, kept in
/// channels-last. Gradients of x, weight, bias, scale and shift; intermediate activations are recomputed instead of
/// stored.
namespace iddpm::kernels::cpu {

/// `silu` false: neither SiLU nor dropout.
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                  const ScaleShift& scale_shift, bool silu, const DropoutOptions& dropout, double epsilon);

}  // namespace iddpm::kernels::cpu
