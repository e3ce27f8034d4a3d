#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm {

/// 8-bit values of floats in [-1, 1], in the same shape, on the CPU: round((x + 1) * 127.5), clamped to 0 .. 255.
/// Throws NotFiniteError if any isn't finite: there is no pixel for it.
Tensor to_pixels(const Tensor& images);

/// pixel / 127.5 - 1, float32, on the pixels' device.
Tensor from_pixels(const Tensor& pixels);

}  // namespace iddpm
