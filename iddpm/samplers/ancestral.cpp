#include "iddpm/samplers/ancestral.h"

#include "iddpm/samplers/single_step_run.h"

namespace iddpm {

std::unique_ptr<SamplingRun> AncestralSampler::start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                                     NoiseSource noise) const {
  const auto step = [q, denoiser = std::move(denoiser), noise = std::move(noise)](const Tensor& x_t, const Timesteps& t,
                                                                                  std::int64_t k) {
    const Prediction prediction = denoiser(x_t, t);
    const bool last = k + 1 == q.steps();
    return SingleStepResult{.x = ancestral_step(q, prediction, t, last ? Tensor() : noise(k + 1)),
                            .x_0 = prediction.x_0};
  };
  return single_step_run(descending_timesteps(q.steps()), std::move(x_T), step);
}

SamplerEntry ancestral_entry() {
  return {
      .name = "ancestral",
      .help = "draws each step from p(x_{t-1} | x_t)",
      .paper = "Ho et al. 2020, arXiv 2006.11239",
      .options = {},
      .make = [](const SamplerOptions&) -> std::unique_ptr<Sampler> { return std::make_unique<AncestralSampler>(); },
      .usual_steps = 100,
      .usual_spacing = ""};
}

Tensor ancestral_step(const ForwardProcess& q, const Prediction& prediction, const Timesteps& t, const Tensor& noise) {
  check_timesteps(t, q.steps());
  const Tensor sigma = at::exp(0.5 * prediction.log_variance);
  return prediction.mean + step_noise(sigma, noise, t, prediction.mean);
}

}  // namespace iddpm
