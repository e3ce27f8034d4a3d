#pragma once

#include <limits>

#include "iddpm/diffusion/reverse_process.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// Dynamic thresholding of x_0 (Saharia et al. 2022, arXiv 2205.11487, section 2.3), in place of clipping it.
struct Thresholding {
  double quantile = 0.995;                                    ///< of |x_0| over an image's values, 0 to 1
  double greatest = std::numeric_limits<double>::infinity();  ///< the most that x_0 is divided by
};

/// x_0 [N, C, H, W] clamped to [-s, s] and divided by s, with s, image by image, the quantile of |x_0| (interpolated
/// linearly), at least 1. Throws Error unless the quantile is in [0, 1] and `greatest` at least 1.
Tensor threshold(const Tensor& x_0, const Thresholding& options);

/// A denoiser whose x_0 is thresholded, and its mean that of q(x_{t-1} | x_t, x_0). The denoiser given must not clip.
Denoiser thresholded(ForwardProcess q, Denoiser denoiser, Thresholding options);

/// The same with x_0 clamped to [-range, range]: clipping for denoisers that were combined, as `guided` does, before
/// it.
Denoiser clipped(ForwardProcess q, Denoiser denoiser, double range = 1.0);

/// Thresholding if the samplers' options ask for it, else clipping if the process does.
Denoiser limited(const ReverseProcess& p_theta, Denoiser denoiser, const SamplerOptions& options);

/// The network's denoiser as the samplers' options ask for it: p_theta.denoiser(network), or a thresholded one.
Denoiser denoiser_for(const ReverseProcess& p_theta, Network network, const SamplerOptions& options);

}  // namespace iddpm
