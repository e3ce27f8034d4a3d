#include "iddpm/samplers/trajectory_timesteps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "iddpm/core/error.h"
#include "iddpm/samplers/euler.h"

namespace iddpm {

TrajectoryTimesteps::TrajectoryTimesteps(const ForwardProcess& q, const Denoiser& denoiser, const NoiseSource& noise)
    : candidates_(q.steps()), images_(0) {
  const at::NoGradGuard no_gradient;
  const std::vector<NoiseLevel> levels = noise_levels(q.schedule());
  const auto count = static_cast<std::size_t>(candidates_);
  std::vector<Tensor> x = {noise(0)};  // at each level
  images_ = x.front().size(0);
  std::vector<Tensor> x_0;  // as predicted there
  for (const SamplingState& state : EulerSampler().watch(q, denoiser, noise)) {
    x.push_back(state.x);
    x_0.push_back(state.x_0);
  }
  deviation_.assign(count * (count + 1), 0.0);
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = from + 2; to <= count; ++to) {  // single steps are the trajectory's own
      const Tensor leap = first_order_step(x[from], x_0[from], levels[from], levels[to]);
      deviation_[from * (count + 1) + to] = std::sqrt(at::square(leap - x[to]).mean().item<double>());
    }
  }
}

TrajectoryTimesteps::TrajectoryTimesteps(std::int64_t candidates, std::int64_t images, std::vector<double> deviations)
    : candidates_(candidates), images_(images), deviation_(std::move(deviations)) {
  require(candidates >= 1 && images >= 1, "trajectory timesteps: expected candidates and images, got {} and {}",
          candidates, images);
  require(static_cast<std::int64_t>(deviation_.size()) == candidates * (candidates + 1),
          "trajectory timesteps: expected {} deviations of {} candidates, got {}", candidates * (candidates + 1),
          candidates, deviation_.size());
  for (const double deviation : deviation_) {
    require(std::isfinite(deviation) && deviation >= 0.0,
            "trajectory timesteps: expected finite deviations of at least 0, got {}", deviation);
  }
}

void TrajectoryTimesteps::merge(const TrajectoryTimesteps& other) {
  require(other.candidates_ == candidates_, "trajectory timesteps: expected {} candidates, got {}", candidates_,
          other.candidates_);
  const auto here = static_cast<double>(images_), there = static_cast<double>(other.images_);
  for (std::size_t i = 0; i < deviation_.size(); ++i) {
    const double squares = here * deviation_[i] * deviation_[i] + there * other.deviation_[i] * other.deviation_[i];
    deviation_[i] = std::sqrt(squares / (here + there));
  }
  images_ += other.images_;
}

double TrajectoryTimesteps::deviation(std::int64_t from, std::int64_t to) const {
  require(from >= 0 && from < candidates_ && to >= -1 && to < from,
          "trajectory timesteps: expected a step from 0 to {} to an earlier timestep, got {} to {}", candidates_ - 1,
          from, to);
  const std::int64_t level_from = candidates_ - 1 - from;
  const std::int64_t level_to = candidates_ - 1 - to;
  return deviation_[static_cast<std::size_t>(level_from * (candidates_ + 1) + level_to)];
}

std::vector<std::int64_t> TrajectoryTimesteps::kept(std::int64_t count) const {
  require(count >= 1 && count <= candidates_, "trajectory timesteps: expected to keep 1 to {}, got {}", candidates_,
          count);
  const auto levels = static_cast<std::size_t>(candidates_) + 1;
  const auto steps = static_cast<std::size_t>(count);
  constexpr double unreachable = std::numeric_limits<double>::infinity();
  // least[k][level]: of the paths that reach the level in k steps; before[k][level]: where the last of them began.
  std::vector<std::vector<double>> least(steps + 1, std::vector<double>(levels, unreachable));
  std::vector<std::vector<std::size_t>> before(steps + 1, std::vector<std::size_t>(levels, 0));
  least[0][0] = 0.0;
  for (std::size_t k = 1; k <= steps; ++k) {
    for (std::size_t to = k; to < levels; ++to) {
      for (std::size_t from = k - 1; from < to; ++from) {
        const double sum = least[k - 1][from] + deviation_[from * levels + to];
        if (sum < least[k][to]) {
          least[k][to] = sum;
          before[k][to] = from;
        }
      }
    }
  }
  std::vector<std::int64_t> timesteps;  // from the cleanest back
  std::size_t level = levels - 1;
  for (std::size_t k = steps; k > 0; --k) {
    level = before[k][level];
    timesteps.push_back(candidates_ - 1 - static_cast<std::int64_t>(level));
  }
  return timesteps;
}

}  // namespace iddpm
