#include "iddpm/samplers/data_start.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {

std::vector<std::int64_t> timesteps_from(const DataStart& start, const NoiseSchedule& schedule,
                                         const std::vector<std::int64_t>& timesteps) {
  std::vector<std::int64_t> kept;
  for (const std::int64_t t : timesteps) {
    if (schedule.alpha_bar.at(static_cast<std::size_t>(t)) >= start.smallest_alpha_bar) kept.push_back(t);
  }
  require(!kept.empty(), "sampling from the data's mean: none of {} timesteps has an alpha_bar of at least {}",
          timesteps.size(), start.smallest_alpha_bar);
  return kept;
}

NoiseSource noise_from(const DataStart& start, double alpha_bar, NoiseSource noise) {
  std::vector<double> mean, deviation;
  for (const double value : start.mean) mean.push_back(std::sqrt(alpha_bar) * value);
  for (const double value : start.spread) deviation.push_back(std::sqrt(alpha_bar * value * value + 1.0 - alpha_bar));
  return [mean, deviation, noise = std::move(noise)](std::int64_t draw) {
    const Tensor drawn = noise(draw);
    if (draw != 0) return drawn;
    require(static_cast<std::int64_t>(mean.size()) == drawn.size(1) && mean.size() == deviation.size(),
            "sampling from the data's mean: expected the mean and spread of {} channels, got {} and {}", drawn.size(1),
            mean.size(), deviation.size());
    const auto per_channel = [&](const std::vector<double>& values) {
      return at::tensor(at::ArrayRef<double>(values), at::kDouble).to(drawn.options()).view({1, -1, 1, 1});
    };
    return per_channel(mean) + per_channel(deviation) * drawn;
  };
}

}  // namespace iddpm
