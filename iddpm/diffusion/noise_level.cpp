#include "iddpm/diffusion/noise_level.h"

#include <cmath>

namespace iddpm {

NoiseLevel NoiseLevel::of_alpha_bar(double alpha_bar) {
  return {.alpha = std::sqrt(alpha_bar), .sigma = std::sqrt(1.0 - alpha_bar)};
}

NoiseLevel NoiseLevel::of_ratio(double ratio) {
  const double alpha = 1.0 / std::sqrt(ratio * ratio + 1.0);
  return {.alpha = alpha, .sigma = ratio * alpha};
}

double NoiseLevel::lambda() const { return std::log(alpha / sigma); }

double NoiseLevel::ratio() const { return sigma / alpha; }

std::vector<NoiseLevel> noise_levels(const NoiseSchedule& schedule) {
  std::vector<NoiseLevel> levels;
  for (auto alpha_bar = schedule.alpha_bar.rbegin(); alpha_bar != schedule.alpha_bar.rend(); ++alpha_bar) {
    levels.push_back(NoiseLevel::of_alpha_bar(*alpha_bar));
  }
  levels.emplace_back();
  return levels;
}

std::vector<double> karras_ratios(double greatest, double least, std::int64_t count) {
  constexpr double rho = 7.0;
  const double first = std::pow(greatest, 1.0 / rho);
  const double last = std::pow(least, 1.0 / rho);
  std::vector<double> ratios;
  for (std::int64_t i = 0; i < count; ++i) {
    const double fraction = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.0;
    ratios.push_back(std::pow(first + fraction * (last - first), rho));
  }
  return ratios;
}

}  // namespace iddpm
