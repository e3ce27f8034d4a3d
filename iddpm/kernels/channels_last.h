#pragma once

#include "iddpm/core/tensor.h"

/// Activations [N, C, ...] in channels-last layout: in memory [N, pixels, C], dense.
namespace iddpm::kernels::cpu {

/// The product of the extents after the channels.
inline std::int64_t pixel_count(const Tensor& x) {
  return x.size(0) * x.size(1) == 0 ? 0 : x.numel() / (x.size(0) * x.size(1));
}

bool is_channels_last(const Tensor& x);

/// x itself where it is in channels-last layout already, else a copy that is.
Tensor channels_last(const Tensor& x);

/// A new tensor of that shape in channels-last layout, with x's type and device.
Tensor empty_channels_last(const Tensor& x, at::IntArrayRef shape);

/// Can the vector kernels take it: a non-empty CPU tensor of float32 or bfloat16 of an ordinary, dense kind?
bool is_fast_activation(const Tensor& x);

}  // namespace iddpm::kernels::cpu
