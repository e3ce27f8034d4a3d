#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm {

/// The latent at a place along the way through `latents` [K, C, H, W]: place 0 is the first, 1 the last, the others
/// evenly between; from one to the next along the great circle (spherical interpolation, Shoemake 1985; of diffusion
/// latents Song et al. 2021, arXiv 2010.02502, appendix D.5), on which the length, and with it the amount of noise, is
/// kept. [C, H, W]. Throws Error unless there are at least 2 and the place is in [0, 1].
Tensor interpolated_latent(const Tensor& latents, double place);

}  // namespace iddpm
