#pragma once

#include <ATen/ATen.h>

namespace iddpm {

/// LibTorch's tensor. Images are [N, C, H, W], float32 in [-1, 1] unless a function says otherwise.
using at::Tensor;

}  // namespace iddpm
