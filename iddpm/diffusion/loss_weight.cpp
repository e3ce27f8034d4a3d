#include "iddpm/diffusion/loss_weight.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// The factor of v's squared error.
double velocity_weight(double alpha_bar, const LossWeighting& weighting) {
  const double simple = std::max(alpha_bar, weighting.floor);
  if (weighting.weight == LossWeight::simple) return simple;
  if (weighting.weight == LossWeight::p2) return simple * (1.0 - alpha_bar);
  return std::min(simple, weighting.snr_limit * (1.0 - alpha_bar));
}

}  // namespace

void check(const LossWeighting& weighting, Mean mean) {
  if (weighting.weight == LossWeight::prediction) return;
  require(mean != Mean::previous_x,
          "loss weight: a prediction of x_{{t-1}} has its own weight only; expected one of epsilon, x_0 or v");
  require(weighting.floor >= 0.0 && weighting.floor <= 1.0, "loss weight: expected a floor in [0, 1], got {}",
          weighting.floor);
  require(weighting.snr_limit > 0.0 && std::isfinite(weighting.snr_limit),
          "loss weight: expected a limit of the signal-to-noise ratio greater than 0, got {}", weighting.snr_limit);
}

std::vector<double> loss_weights(const NoiseSchedule& schedule, Mean mean, const LossWeighting& weighting) {
  check(weighting, mean);
  std::vector<double> weights;
  for (const double alpha_bar : schedule.alpha_bar) {
    if (weighting.weight == LossWeight::prediction) {
      weights.push_back(1.0);
      continue;
    }
    const double of_v = velocity_weight(alpha_bar, weighting);
    switch (mean) {
      case Mean::velocity:
        weights.push_back(of_v);
        break;
      case Mean::x_0:
        weights.push_back(of_v / (1.0 - alpha_bar));
        break;
      default:  // epsilon; its error is magnified by 1 / alpha_bar on the way to v's, and no floor can help that
        weights.push_back(std::min(1.0, of_v / alpha_bar));
        break;
    }
  }
  return weights;
}

}  // namespace iddpm
