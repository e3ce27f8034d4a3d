#pragma once

#include "iddpm/samplers/churn.h"
#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// Euler's method for the probability flow ODE in x / alpha over sigma / alpha (Karras et al. 2022, arXiv 2206.00364):
/// without churn the same as DDIM with eta 0. With churn it is EDM's stochastic sampler of first order.
class EulerSampler : public LevelSampler {
 public:
  /// Throws Error if an option is out of range.
  explicit EulerSampler(ChurnOptions churn = {});

 protected:
  LevelStep new_step() const override;

 private:
  ChurnOptions churn_;
};

/// For the table of samplers (registry.h). Knows churn.
SamplerEntry euler_entry();

}  // namespace iddpm
