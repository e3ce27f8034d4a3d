#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// Sampling that begins at images with some noise instead of pure noise, so that what comes out resembles them: SDEdit
/// (Meng et al. 2022, arXiv 2108.01073). The strength, in (0, 1], is the share of the process that is undone.

/// Those of `timesteps` (ascending, of a process of `process_steps`) that lie within the share; at least the first.
/// Throws Error unless the strength is in (0, 1] and there are timesteps.
std::vector<std::int64_t> timesteps_within(double strength, std::int64_t process_steps,
                                           const std::vector<std::int64_t>& timesteps);

/// The noise of a run that begins at a level: draw 0, x_T, becomes a draw from q(x_t | images). `images` [N, C, H, W]
/// in [-1, 1]. Throws Error, when drawn from, if their shape is another than the noise's.
NoiseSource noise_around(Tensor images, NoiseLevel level, NoiseSource noise);

}  // namespace iddpm
