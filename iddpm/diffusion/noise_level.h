#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/diffusion/noise_schedule.h"

namespace iddpm {

/// A level of noise: x_t = alpha x_0 + sigma epsilon with alpha^2 + sigma^2 = 1, in the symbols of Lu et al. 2022,
/// arXiv 2206.00927 (alpha^2 is alpha_bar). Both ends are levels too: no noise (sigma 0), and no signal (alpha 0).
struct NoiseLevel {
  double alpha = 1.0;
  double sigma = 0.0;

  static NoiseLevel of_alpha_bar(double alpha_bar);
  /// From sigma / alpha.
  static NoiseLevel of_ratio(double ratio);

  bool is_clean() const { return sigma == 0.0; }
  /// log(alpha / sigma), half the logarithm of the signal-to-noise ratio; infinite at the ends.
  double lambda() const;
  /// sigma / alpha, the noise level of Karras et al. 2022, arXiv 2206.00364 (their sigma); infinite where no signal is.
  double ratio() const;
};

/// The levels that a run over all steps of the schedule goes through, noisiest first; the last is clean. [T + 1].
std::vector<NoiseLevel> noise_levels(const NoiseSchedule& schedule);

/// Ratios that fall from `greatest` to `least` in `count` steps, evenly spaced in their 7th root: Karras et al. 2022,
/// eq.
/// 5. The greatest alone if count is 1.
std::vector<double> karras_ratios(double greatest, double least, std::int64_t count);

}  // namespace iddpm
