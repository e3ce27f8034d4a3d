#pragma once

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct DeisOptions {
  std::int64_t order = 3;  ///< 1 to 4, how many predictions a step looks at: the paper's tAB of one less
};

/// DEIS (Zhang & Chen 2022, arXiv 2204.13902, tAB): the linear part of the ODE is solved exactly, and epsilon is the
/// polynomial in time through the steps before, integrated with its exact weight. As the time serves the angle
/// arctan(sigma / alpha), which is the cosine schedule's and goes from 0 (clean) to pi / 2 (no signal) of any schedule.
/// The step to the clean image is of first order, x_0 itself.
class DeisSampler : public LevelSampler {
 public:
  /// Throws Error unless the order is 1 to 4.
  explicit DeisSampler(DeisOptions options = {});

 protected:
  LevelStep new_step() const override;

 private:
  DeisOptions options_;
};

/// For the table of samplers (registry.h). Knows the order.
SamplerEntry deis_entry();

}  // namespace iddpm
