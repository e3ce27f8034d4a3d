#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/diffusion/noise_schedule.h"

namespace iddpm {

/// The timesteps, ascending and each once, that a specification keeps of a process of `steps`:
/// - "250": as many, evenly spaced from the first to the last, rounded half to even (arXiv 2102.09672 section 4); "1":
///   the last (the published code takes the first, where an image has hardly any noise);
/// - "10,15,20": the process in as many sections of equal size, each with its own count, spaced in the same way;
/// - "ddim50": every k-th from 0, with the smallest integer stride k that keeps 50 (Song et al. 2021, arXiv
///   2010.02502). Where no integer stride keeps N of T, as 300 of 1000, which the published code refuses: floor(i T /
///   N) for i = 0 .. N - 1, the paper's own "linear" choice (appendix D.2), whose stride differs by at most 1;
/// - "leading50", "linspace50", "trailing50": the three of Lin et al. 2024, arXiv 2305.08891, table 2: every (T div
///   50)-th from 0 (from 1 with "leading50+1"), which leaves out the noisiest; evenly from the first to the last (the
///   last alone if it is one); every (T / 50)-th from the last one down, rounded half to even, which leaves out t = 0
///   and its neighbours;
/// - "": all of them.
/// The two by noise levels need the schedule (below); timesteps that are the best for a model ("optimal25", "best10" on
/// the command line) have to be measured: see optimal_respacing.h. Throws Error naming the specification and the
/// numbers where it is malformed or asks for more than there are.
std::vector<std::int64_t> respaced_timesteps(std::int64_t steps, const std::string& specification);

/// All of those, and two that are spaced by the schedule's noise levels, each taking the nearest timestep that isn't
/// taken yet:
/// - "logsnr20": evenly in the log-SNR (Lu et al. 2022, arXiv 2206.00927);
/// - "karras20": as `karras_ratios` spaces sigma / alpha (Karras et al. 2022, arXiv 2206.00364, eq. 5).
/// Both go from the noisiest timestep with lambda of at least `least_lambda` to t = 0.
std::vector<std::int64_t> respaced_timesteps(const NoiseSchedule& schedule, const std::string& specification);

/// Half a log-SNR below which there is no signal to speak of (alpha_bar 4e-5). The last timesteps of a cosine schedule
/// go on to -9.9, and to minus infinity with zero terminal SNR, over which no spacing by noise should be spread. The
/// figure is that of DPM-Solver's published code.
inline constexpr double least_lambda = -5.1;

/// The schedule of the shortened process: betas such that alpha_bar agrees with the original at the kept timesteps
/// (arXiv 2102.09672 eq. 19). Throws Error unless they ascend within the schedule.
NoiseSchedule respaced_schedule(const NoiseSchedule& schedule, const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm
