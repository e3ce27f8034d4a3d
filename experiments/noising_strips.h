#pragma once

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/settings.h"
#include "iddpm/io/image_file.h"

namespace iddpm::experiments {

/// x_0 [1, C, H, W] noised by the linear and the cosine schedule, T = 1000, at ten timesteps (figure 3 of arXiv
/// 2102.09672).
Image noising_strips(const Tensor& x_0);
/// x_0 noised by a model's own process, at ten timesteps if it has as many.
Image noising_strip_of(const Tensor& x_0, const DiffusionSettings& diffusion);

}  // namespace iddpm::experiments
