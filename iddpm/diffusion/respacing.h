#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/diffusion/noise_schedule.h"

namespace iddpm {

/// The timesteps, ascending, that a specification keeps of a process of `steps`:
/// - "250": as many, evenly spaced from the first to the last, rounded half to even (arXiv 2102.09672 section 4);
/// - "10,15,20": the process in as many sections of equal size, each with its own count, spaced in the same way;
/// - "ddim50": every k-th from 0, with the smallest integer stride k that keeps 50 (Song et al. 2021, arXiv
///   2010.02502). Where no integer stride keeps N of T, as 300 of 1000, which the published code refuses: floor(i T /
///   N) for i = 0 .. N - 1, the paper's own "linear" choice (appendix D.2), whose stride differs by at most 1;
/// - "trailing50": every (T / 50)-th from the last one down, rounded half to even (Lin et al. 2024, arXiv 2305.08891,
///   table 2): the smallest of the process's own, t = 0 and its neighbours, are left out;
/// - "": all of them.
/// The timesteps that are the best for a model ("optimal25" on the command line) don't follow from the specification
/// alone: see optimal_respacing.h. Throws Error naming the specification and the numbers where it is malformed or asks
/// for more than there are.
std::vector<std::int64_t> respaced_timesteps(std::int64_t steps, const std::string& specification);

/// The schedule of the shortened process: betas such that alpha_bar agrees with the original at the kept timesteps
/// (arXiv 2102.09672 eq. 19). Throws Error unless they ascend within the schedule.
NoiseSchedule respaced_schedule(const NoiseSchedule& schedule, const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm
