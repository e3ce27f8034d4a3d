#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// Timesteps chosen for a model by what its own trajectories do between them (Chen et al. 2024, arXiv 2405.11326,
/// "GITS"): along DDIM's fine trajectories of a batch of images, how far a single first-order step from any level to
/// any later one ends from where the fine trajectory is; and the K steps whose deviations sum up to the least, by
/// dynamic programming. Deviations are of x_t itself, root mean square over images: what is far off in x / alpha at a
/// noisy level fades by about alpha until the end.
class TrajectoryTimesteps {
 public:
  /// Walks all steps of q, the fine process, from draw 0 of `noise`: q.steps() evaluations. It remembers x and x_0 of
  /// every step, two batches each.
  TrajectoryTimesteps(const ForwardProcess& q, const Denoiser& denoiser, const NoiseSource& noise);
  /// From what was measured before: `deviations` as `deviations()` gives them. Throws Error unless they are of so many
  /// candidates, finite and not negative, and of at least one image.
  TrajectoryTimesteps(std::int64_t candidates, std::int64_t images, std::vector<double> deviations);

  /// Takes in what was measured on other images with the same candidates. Throws Error if their numbers differ.
  void merge(const TrajectoryTimesteps& other);

  std::int64_t candidates() const { return candidates_; }
  std::int64_t images() const { return images_; }
  /// Of the steps from each level (rows, the noisiest first) to each (columns; the last is the image): N x (N + 1), 0
  /// where there is no step.
  const std::vector<double>& deviations() const { return deviation_; }
  /// The deviation of the step from timestep `from` of q to `to` < from, or to the image itself (-1).
  double deviation(std::int64_t from, std::int64_t to) const;
  /// The `count` timesteps of q, ascending, of the least sum of deviations; the noisiest is one of them. Throws Error
  /// unless count is 1 to candidates().
  std::vector<std::int64_t> kept(std::int64_t count) const;

 private:
  std::int64_t candidates_;
  std::int64_t images_;
  std::vector<double> deviation_;
};

}  // namespace iddpm
