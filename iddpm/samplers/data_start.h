#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// Sampling that begins not with pure noise but a little later, with noise that has the data's mean and spread. For
/// networks that predict epsilon and were trained shortly: what they say of x_0 in pure noise is an error times up to
/// 20,000, clipped, and its brightness stays. The Gaussian fit N(mean, spread^2) of x_0 gives q(x_t) =
/// N(sqrt(alpha_bar) mean, alpha_bar spread^2 + 1 - alpha_bar), the pixels independent of each other.
struct DataStart {
  std::vector<double> mean = {};     ///< per channel, of pixels in [-1, 1]
  std::vector<double> spread = {};   ///< standard deviation, in the same unit
  double smallest_alpha_bar = 0.02;  ///< the noisiest timestep looked at is the last that has at least so much
};

/// Those of `timesteps` (ascending, of the schedule) that are looked at. Throws Error if none is.
std::vector<std::int64_t> timesteps_from(const DataStart& start, const NoiseSchedule& schedule,
                                         const std::vector<std::int64_t>& timesteps);

/// The noise of a run whose first timestep has this alpha_bar: draw 0, x_T, becomes a draw from q(x_t). Throws Error,
/// when drawn from, if the images have another number of channels.
NoiseSource noise_from(const DataStart& start, double alpha_bar, NoiseSource noise);

}  // namespace iddpm
