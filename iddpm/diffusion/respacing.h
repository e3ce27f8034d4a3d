#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/diffusion/noise_schedule.h"

namespace iddpm {

/// The timesteps, ascending, that a specification keeps of a process of `steps` (arXiv 2102.09672 section 4):
/// - "250": as many, evenly spaced from the first to the last, rounded half to even;
/// - "10,15,20": the process in equal sections, each with its own count;
/// - "ddim50": every k-th from 0 (the integer stride of Song et al. 2021, arXiv 2010.02502). The published code refuses
/// counts that no integer stride gives;
///   see docs for what we do.
/// - "": all of them.
/// Throws Error naming the numbers asked for where that is impossible.
std::vector<std::int64_t> respaced_timesteps(std::int64_t steps, const std::string& specification);

/// The schedule of the shortened process: betas such that alpha_bar agrees with the original at the kept timesteps.
NoiseSchedule respaced_schedule(const NoiseSchedule& schedule, const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm
