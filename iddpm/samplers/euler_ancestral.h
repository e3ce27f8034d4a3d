#pragma once

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct EulerAncestralOptions {
  double eta = 1.0;  ///< 0: Euler's method; 1: the variance of ancestral sampling with beta_tilde
};

/// Euler's step to a level with less noise than wanted, and noise for the rest: the ancestral sampling of Song et al.
/// 2021, arXiv 2011.13456, appendix F, for variance-exploding processes, as k-diffusion made it known. In exact
/// arithmetic DDIM with the same eta, so that eta 1 is ancestral sampling with the fixed variance beta_tilde.
class EulerAncestralSampler : public LevelSampler {
 public:
  /// Throws Error unless eta is in [0, 1].
  explicit EulerAncestralSampler(EulerAncestralOptions options = {});

 protected:
  LevelStep new_step() const override;

 private:
  EulerAncestralOptions options_;
};

/// For the table of samplers (registry.h). Knows eta.
SamplerEntry euler_ancestral_entry();

}  // namespace iddpm
