#include "iddpm/samplers/ddim.h"

#include <numeric>

#include "iddpm/core/error.h"
#include "iddpm/samplers/single_step_run.h"

namespace iddpm {

DdimSampler::DdimSampler(DdimOptions options) : options_(options) {
  require(options.eta >= 0.0 && options.eta <= 1.0, "DDIM: expected eta in [0, 1], got {}", options.eta);
}

std::unique_ptr<SamplingRun> DdimSampler::start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                                NoiseSource noise) const {
  const auto step = [q, denoiser = std::move(denoiser), noise = std::move(noise), eta = options_.eta](
                        const Tensor& x_t, const Tensor& t, std::int64_t k) {
    const Prediction prediction = denoiser(x_t, t);
    const bool noiseless = eta == 0.0 || k + 1 == q.steps();
    return SingleStepResult{.x = ddim_step(q, prediction, x_t, t, noiseless ? Tensor() : noise(k + 1), eta),
                            .x_0 = prediction.x_0};
  };
  return single_step_run(descending_timesteps(q.steps()), std::move(x_T), step);
}

SamplerEntry ddim_entry() {
  return {.name = "ddim",
          .help = "few steps, without noise unless eta is given",
          .paper = "Song et al. 2021, arXiv 2010.02502",
          .options = {{.name = "eta", .greatest = 1.0}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<DdimSampler>(DdimOptions{.eta = options.eta.value_or(DdimOptions().eta)});
          },
          .usual_steps = 50};
}

Tensor ddim_step(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Tensor& t,
                 const Tensor& noise, double eta) {
  return ddim_step(q, prediction.x_0, q.noise_from_x_0(x_t, t, prediction.x_0), t, noise, eta);
}

Tensor ddim_step(const ForwardProcess& q, const Tensor& x_0, const Tensor& epsilon, const Tensor& t,
                 const Tensor& noise, double eta) {
  const NoiseSchedule& schedule = q.schedule();
  const Tensor alpha_bar = at_timesteps(schedule.alpha_bar, t, x_0);
  const Tensor alpha_bar_previous = at_timesteps(schedule.alpha_bar_previous, t, x_0);
  const Tensor sigma =
      eta * at::sqrt((1.0 - alpha_bar_previous) / (1.0 - alpha_bar)) * at::sqrt(1.0 - alpha_bar / alpha_bar_previous);
  // Rounding can take what is left for epsilon below 0 where sigma^2 is nearly all of it.
  const Tensor direction = at::sqrt((1.0 - alpha_bar_previous - at::square(sigma)).clamp_min(0.0));
  const Tensor mean = x_0 * at::sqrt(alpha_bar_previous) + direction * epsilon;
  return eta == 0.0 ? mean : mean + step_noise(sigma, noise, t, x_0);
}

SamplingSteps DdimInversion::watch(const ForwardProcess& q, Denoiser denoiser, Tensor x_0) const {
  const auto step = [q, denoiser = std::move(denoiser)](const Tensor& x, const Tensor& t, std::int64_t k) {
    const Tensor seen = k == 0 ? t : t - 1;
    const Prediction prediction = denoiser(x, seen);
    Tensor x_t =
        k == 0 ? q.sample(x, t, q.noise_from_x_0(x, t, prediction.x_0)) : ddim_inversion_step(q, prediction, x, seen);
    return SingleStepResult{.x = std::move(x_t), .x_0 = prediction.x_0};
  };
  std::vector<std::int64_t> ascending(static_cast<std::size_t>(q.steps()));
  std::iota(ascending.begin(), ascending.end(), 0);
  return SamplingSteps(single_step_run(std::move(ascending), std::move(x_0), step));
}

Tensor DdimInversion::run(const ForwardProcess& q, const Denoiser& denoiser, const Tensor& x_0) const {
  Tensor x_T;
  for (const SamplingState& state : watch(q, denoiser, x_0)) x_T = state.x;
  return x_T;
}

Tensor ddim_inversion_step(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Tensor& t) {
  const Tensor alpha_bar_next = at_timesteps(q.schedule().alpha_bar_next, t, x_t);
  const Tensor epsilon = q.noise_from_x_0(x_t, t, prediction.x_0);
  return prediction.x_0 * at::sqrt(alpha_bar_next) + at::sqrt(1.0 - alpha_bar_next) * epsilon;
}

}  // namespace iddpm
