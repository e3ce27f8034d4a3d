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

/// body(T()) with the type that the vector kernels see of x's elements: float, or std::uint16_t for bfloat16's bits.
template <typename Body>
void for_type_of(const Tensor& x, const Body& body) {
  x.scalar_type() == at::kFloat ? body(float()) : body(std::uint16_t());
}

template <typename T>
T* elements(const Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

/// Can the vector kernels take it: a non-empty CPU tensor of float32 or bfloat16 of an ordinary, dense kind?
bool is_fast_activation(const Tensor& x);

}  // namespace iddpm::kernels::cpu
