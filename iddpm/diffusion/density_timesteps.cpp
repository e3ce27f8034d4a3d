#include "iddpm/diffusion/density_timesteps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr double even_share = 0.1;

// Up to a factor.
double density_at(NoiseDensity density, double log_snr) {
  if (density == NoiseDensity::laplace) return std::exp(-std::abs(log_snr) / 0.5);
  const double distance = (log_snr - 2.4) / 2.4;
  return std::exp(-0.5 * distance * distance);
}

std::vector<double> log_snrs(const NoiseSchedule& schedule) {
  constexpr double least = 1e-12;  // of alpha_bar, where a schedule ends without any signal
  std::vector<double> values;
  for (const double alpha_bar : schedule.alpha_bar) {
    values.push_back(std::log(std::max(alpha_bar, least)) - std::log1p(-alpha_bar));
  }
  return values;
}

}  // namespace

DensityTimesteps::DensityTimesteps(const NoiseSchedule& schedule, NoiseDensity density) {
  const std::vector<double> log_snr = log_snrs(schedule);
  const std::size_t steps = log_snr.size();
  require(steps >= 1, "timesteps by density: expected at least 1 step, got 0");
  for (std::size_t t = 0; t < steps; ++t) {
    // Half the way to each neighbour; the first and the last have one only.
    const double before = t > 0 ? log_snr[t - 1] : log_snr[t];
    const double after = t + 1 < steps ? log_snr[t + 1] : log_snr[t];
    probabilities_.push_back(density_at(density, log_snr[t]) * std::abs(before - after));
  }
  const double sum = std::accumulate(probabilities_.begin(), probabilities_.end(), 0.0);
  const double even = 1.0 / static_cast<double>(steps);
  for (double& p : probabilities_) p = sum > 0 ? (1.0 - even_share) * p / sum + even_share * even : even;
}

}  // namespace iddpm
