#pragma once

#include <vector>

#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// How much each noise level counts in the squared error, whatever the network predicts. One prediction's error is
/// another's times a function of alpha_bar, so without a weight the choice of the prediction is one of weights too.
enum class LossWeight {
  prediction,  ///< the squared error of what is predicted, as it is (the published code)
  simple,      ///< that of epsilon, L_simple (arXiv 2006.11239 eq. 14), with a floor for v and x_0 at the noisy end
  min_snr,     ///< that of x_0 times min(SNR, limit) (arXiv 2303.09556 eq. 8), with the same floor
  p2           ///< that of epsilon / (1 + SNR) (arXiv 2204.00227 eq. 8 with k = gamma = 1), with the same floor
};

struct LossWeighting {
  LossWeight weight = LossWeight::prediction;
  /// v's squared error counts at least so much: L_simple's weight of it is alpha_bar, which goes to 0 where v is all
  /// that tells the image's brightness. Of no effect on epsilon, whose own weight there is 1.
  double floor = 0.05;
  double snr_limit = 5.0;  ///< of min_snr

  bool operator==(const LossWeighting&) const = default;
};

/// Throws Error unless the floor is in [0, 1], the limit positive, and the prediction one that can be weighted.
void check(const LossWeighting& weighting, Mean mean);

/// The factor of the squared error of the network's prediction at each t. Errors of the predictions are, with SNR =
/// alpha_bar / (1 - alpha_bar): epsilon's = SNR x_0's; v's = (SNR + 1) x_0's = epsilon's / alpha_bar. Throws Error as
/// `check` does.
std::vector<double> loss_weights(const NoiseSchedule& schedule, Mean mean, const LossWeighting& weighting);

}  // namespace iddpm
