#pragma once

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct UniPcOptions {
  std::int64_t order = 3;  ///< 1 to 3
};

/// UniPC (Zhao et al. 2023, arXiv 2302.04867) of x_0 with B(h) = exp(h) - 1 ("bh2"): a predictor like DPM-Solver++'s,
/// and a corrector that takes the prediction made at the new point into account, at no evaluation of its own: a step
/// is corrected when the next one has looked at where it led.
class UniPcSampler : public LevelSampler {
 public:
  /// Throws Error unless the order is 1 to 3.
  explicit UniPcSampler(UniPcOptions options = {});

 protected:
  LevelStep new_step() const override;

 private:
  UniPcOptions options_;
};

/// For the table of samplers (registry.h). Knows the order.
SamplerEntry unipc_entry();

}  // namespace iddpm
