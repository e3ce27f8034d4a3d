#pragma once

#include "iddpm/samplers/churn.h"
#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct HeunOptions {
  ChurnOptions churn = {};
  double greatest_fall = 20.0;  ///< of sigma / alpha in a step that is corrected
};

/// Heun's method for the probability flow ODE (Karras et al. 2022, arXiv 2206.00364, algorithm 1; with churn algorithm
/// 2, EDM's stochastic sampler): an Euler step, corrected by what the denoiser says where it led. Two evaluations a
/// step, but one in the last and in steps over which sigma / alpha falls by more than `greatest_fall` or from infinity
/// (no signal), as from a cosine schedule's end: there the mean of two slopes is an error magnified as much.
class HeunSampler : public LevelSampler {
 public:
  /// Throws Error if an option is out of range.
  explicit HeunSampler(HeunOptions options = {});
  std::int64_t evaluations(const ForwardProcess& q) const override;

 protected:
  LevelStep new_step() const override;

 private:
  HeunOptions options_;
};

/// For the table of samplers (registry.h). Knows churn.
SamplerEntry heun_entry();

}  // namespace iddpm
