#pragma once

#include <functional>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/timesteps.h"

namespace iddpm {

/// What is known of one step at x_t. Mean and x_0 are [N, C, H, W]; a fixed variance is [N, 1, 1, 1].
struct Prediction {
  Tensor mean;  ///< of p(x_{t-1} | x_t)
  Tensor variance;
  Tensor log_variance;  ///< at t = 0 of fixed_small, whose variance is 0 there, that of the next step
  Tensor x_0;           ///< predicted, clipped if so asked
};

/// Anything that looks at x_t [N, C, H, W] and the timesteps t [N] of the process that is undone, a shortened one's
/// own, and predicts the step. All that samplers know of a model: ReverseProcess::denoiser makes one of a network;
/// guidance and the like wrap one into another. Called without gradients by samplers.
using Denoiser = std::function<Prediction(const Tensor& x_t, const Timesteps& t)>;

}  // namespace iddpm
