#pragma once

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// A prediction led towards a condition y by the gradient of log p(y | x_t) with respect to x_t, [N, C, H, W], already
/// scaled, for the ancestral sampler: mean + variance * gradient (Dhariwal & Nichol 2021, arXiv 2105.05233, algorithm
/// 1). The predicted x_0 is left as it was. Throws Error if the shapes differ.
Prediction guide_mean(const Prediction& prediction, const Tensor& gradient);

/// The same for DDIM: epsilon - sqrt(1 - alpha_bar_t) * gradient (algorithm 2), from which x_0 (not clipped again) and
/// the mean follow. Throws Error if the shapes differ.
Prediction guide_epsilon(const ReverseProcess& p_theta, const Prediction& prediction, const Tensor& x_t,
                         const Tensor& t, const Tensor& gradient);

}  // namespace iddpm
