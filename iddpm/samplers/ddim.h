#pragma once

#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct DdimOptions {
  double eta = 0.0;  ///< 0: deterministic; 1: the variance of ancestral sampling with beta_tilde
};

/// Song et al. 2021 (arXiv 2010.02502), eq. 12, with the variance of eq. 16. Of a learned variance nothing is used.
class DdimSampler : public Sampler {
 public:
  /// Throws Error unless eta is in [0, 1].
  explicit DdimSampler(DdimOptions options = {});
  std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                     NoiseSource noise) const override;

 private:
  DdimOptions options_;
};

/// For the table of samplers (registry.h). Knows eta.
SamplerEntry ddim_entry();

/// One DDIM step from x_t at t [N], given the prediction there. `noise` may be undefined if eta or every t is 0.
Tensor ddim_step(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Tensor& t,
                 const Tensor& noise, double eta);
/// The same with epsilon given beside x_0, for predictions where it isn't the one that x_0, once clipped, implies.
Tensor ddim_step(const ForwardProcess& q, const Tensor& x_0, const Tensor& epsilon, const Tensor& t,
                 const Tensor& noise, double eta);

/// The deterministic DDIM path backwards: from an image x_0 to its latent x_T, in as many steps as the process has (the
/// ODE of eq. 14, by Euler's method). The step at t leads from alpha_bar_{t-1} to alpha_bar_t, as DDIM's step at t
/// leads back; the denoiser looks at the x it starts from, the image itself counting as t = 0.
class DdimInversion {
 public:
  SamplingSteps watch(const ForwardProcess& q, Denoiser denoiser, Tensor x_0) const;
  Tensor run(const ForwardProcess& q, const Denoiser& denoiser, const Tensor& x_0) const;
};

/// One step of it from x_t at t [N], given the prediction there, to x_{t+1}; from the last t to pure noise.
Tensor ddim_inversion_step(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Tensor& t);

}  // namespace iddpm
