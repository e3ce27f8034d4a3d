#pragma once

#include "iddpm/kernels/operation_types.h"

/// The operations between convolutions that mostly move memory, on CPUs in channels-last: float32 or bfloat16.
namespace iddpm::kernels::cpu {

Tensor silu(const Tensor& x);

Tensor upsample_nearest(const Tensor& x);

Tensor average_pool(const Tensor& x);

Tensor concatenate_channels(const Tensor& a, const Tensor& b);

}  // namespace iddpm::kernels::cpu
