#include "iddpm/samplers/ancestral.h"

#include "iddpm/samplers/single_step_run.h"

namespace iddpm {

std::unique_ptr<SamplingRun> AncestralSampler::start(const ReverseProcess& p_theta, Tensor x_T,
                                                     NoiseSource noise) const {
  const auto step = [p_theta, noise = std::move(noise)](const Tensor& x_t, const Tensor& t, std::int64_t k) {
    const Prediction prediction = p_theta.predict(x_t, t);
    const bool last = k + 1 == p_theta.steps();
    return SingleStepResult{.x = ancestral_step(p_theta, prediction, t, last ? Tensor() : noise(k + 1)),
                            .x_0 = prediction.x_0};
  };
  return single_step_run(descending_timesteps(p_theta.steps()), std::move(x_T), step);
}

Tensor ancestral_step(const ReverseProcess& p_theta, const Prediction& prediction, const Tensor& t,
                      const Tensor& noise) {
  checked_timesteps(t, p_theta.steps());
  const Tensor sigma = at::exp(0.5 * prediction.log_variance);
  return prediction.mean + step_noise(sigma, noise, t, prediction.mean);
}

}  // namespace iddpm
