#pragma once

#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// x_{t-1} ~ p_theta(x_{t-1} | x_t) (Ho et al. 2020, arXiv 2006.11239, algorithm 2); no noise in the last step.
class AncestralSampler : public Sampler {
 public:
  std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                     NoiseSource noise) const override;
  bool draws_from_mean() const override { return true; }
};

/// For the table of samplers (registry.h).
SamplerEntry ancestral_entry();

/// One ancestral step from x_t at t [N], given the prediction there: mean + sqrt(variance) noise, no noise where t = 0.
/// `noise` may be undefined if every t is 0.
Tensor ancestral_step(const ForwardProcess& q, const Prediction& prediction, const Timesteps& t, const Tensor& noise);

}  // namespace iddpm
