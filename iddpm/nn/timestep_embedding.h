#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Sinusoidal embedding of timesteps (Vaswani et al. 2017, arXiv 1706.03762, section 3.5, cosines first): with
/// half = width / 2 and f_i = 10000^(-i / (half - frequency_shift)), the cosines of t f_i and then their sines; a last
/// 0 if the width is odd. t [N], whole or fractional -> [N, width] float32 (float64 of
/// a float64 t).
Tensor timestep_embedding(const Tensor& t, std::int64_t width, double frequency_shift = 0.0);

}  // namespace iddpm
