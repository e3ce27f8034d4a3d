#pragma once

#include <vector>

#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/diffusion/timestep_sampler.h"

namespace iddpm {

/// Where between clean and pure noise the loss is looked at: densities over log-SNR = log(alpha_bar / (1 - alpha_bar)).
enum class NoiseDensity {
  normal,  ///< centre 2.4, standard deviation 2.4: EDM's log-normal sigma (arXiv 2206.00364, table 1) in these units
  laplace  ///< centre 0, scale 0.5 (Hang et al. 2024, arXiv 2407.03297)
};

/// p_t: the density at t's log-SNR times the step of log-SNR there, with a tenth spread evenly, so that no weight 1 /
/// (T p_t) is above 10. The weights make the loss in the mean what it is with even timesteps: the bound isn't changed,
/// only how noisily each part of it is estimated.
class DensityTimesteps : public TimestepSampler {
 public:
  DensityTimesteps(const NoiseSchedule& schedule, NoiseDensity density);
  std::vector<double> probabilities() const override { return probabilities_; }

 private:
  std::vector<double> probabilities_;
};

}  // namespace iddpm
