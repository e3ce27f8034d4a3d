#pragma once

#include "iddpm/samplers/sampler.h"

namespace iddpm {

struct DdimOptions {
  double eta = 0.0;  ///< 0: deterministic; 1: the variance of ancestral sampling with beta_tilde
};

/// Song et al. 2021 (arXiv 2010.02502), eq. 12.
class DdimSampler : public Sampler {
 public:
  explicit DdimSampler(DdimOptions options = {});
  std::unique_ptr<SamplingRun> start(const ReverseProcess& p_theta, Tensor x_T, NoiseSource noise) const override;

 private:
  DdimOptions options_;
};

/// One DDIM step from x_t at t [N].
Tensor ddim_step(const ReverseProcess& p_theta, const Prediction& prediction, const Tensor& x_t, const Tensor& t,
                 const Tensor& noise, double eta);

/// The deterministic DDIM path backwards: from an image x_0 to its latent x_T, step by step (eq. 14 read as an ODE),
/// and one step of it.
class DdimInversion {
 public:
  SamplingSteps watch(const ReverseProcess& p_theta, Tensor x_0) const;
  Tensor run(const ReverseProcess& p_theta, const Tensor& x_0) const;
};
Tensor ddim_inversion_step(const ReverseProcess& p_theta, const Prediction& prediction, const Tensor& x_t,
                           const Tensor& t);

}  // namespace iddpm
