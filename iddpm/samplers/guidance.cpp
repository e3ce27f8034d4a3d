#include "iddpm/samplers/guidance.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_level.h"

namespace iddpm {
namespace {

void require_fitting_gradient(const Tensor& gradient, const Tensor& x) {
  require(gradient.sizes() == x.sizes(), "guidance: expected a gradient of shape {}, got {}", format_shape(x.sizes()),
          format_shape(gradient.sizes()));
}

}  // namespace

Prediction guide_mean(const Prediction& prediction, const Tensor& gradient) {
  require_fitting_gradient(gradient, prediction.mean);
  Prediction guided = prediction;
  guided.mean = prediction.mean + prediction.variance * gradient;
  return guided;
}

Prediction guide_epsilon(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Timesteps& t,
                         const Tensor& gradient) {
  require_fitting_gradient(gradient, x_t);
  const Tensor noise_scale = at::sqrt(1.0 - q.tables().alpha_bar.at(t, x_t));
  const Tensor epsilon = q.noise_from_x_0(x_t, t, prediction.x_0) - noise_scale * gradient;
  Prediction guided = prediction;
  guided.x_0 = q.x_0_from_noise(x_t, t, epsilon);
  guided.mean = q.posterior(guided.x_0, x_t, t).mean;
  return guided;
}

Denoiser mean_guided(Denoiser denoiser, GuidanceGradient gradient, double scale) {
  return [denoiser = std::move(denoiser), gradient = std::move(gradient), scale](
             const Tensor& x_t, const Timesteps& t) { return guide_mean(denoiser(x_t, t), scale * gradient(x_t, t)); };
}

Denoiser epsilon_guided(ForwardProcess q, Denoiser denoiser, GuidanceGradient gradient, double scale) {
  return [q = std::move(q), denoiser = std::move(denoiser), gradient = std::move(gradient), scale](const Tensor& x_t,
                                                                                                   const Timesteps& t) {
    return guide_epsilon(q, denoiser(x_t, t), x_t, t, scale * gradient(x_t, t));
  };
}

std::vector<double> guidance_scales(const NoiseSchedule& schedule, const GuidanceOptions& options) {
  require(std::isfinite(options.scale) && options.scale >= 0.0, "guidance: expected a scale of at least 0, got {}",
          options.scale);
  require(options.least >= 0.0 && options.greatest >= options.least,
          "guidance: expected noise levels that ascend from at least 0, got {} to {}", options.least, options.greatest);
  std::vector<double> scales;
  for (const double alpha_bar : schedule.alpha_bar) {
    const double ratio = NoiseLevel::of_alpha_bar(alpha_bar).ratio();
    scales.push_back(ratio >= options.least && ratio <= options.greatest ? options.scale : 1.0);
  }
  return scales;
}

Denoiser guided(ForwardProcess q, Denoiser denoiser, Denoiser guide, GuidanceOptions options) {
  std::vector<double> scales = guidance_scales(q.schedule(), options);
  return [scales = std::move(scales), denoiser = std::move(denoiser), guide = std::move(guide)](const Tensor& x_t,
                                                                                                const Timesteps& t) {
    Prediction prediction = denoiser(x_t, t);
    check_timesteps(t, static_cast<std::int64_t>(scales.size()));
    const auto is_unguided = [&](std::int64_t timestep) { return scales[static_cast<std::size_t>(timestep)] == 1.0; };
    if (std::all_of(t.values().begin(), t.values().end(), is_unguided)) return prediction;
    const Tensor scale = at_timesteps(scales, t, x_t);
    const Prediction away_from = guide(x_t, t);
    prediction.x_0 = away_from.x_0 + scale * (prediction.x_0 - away_from.x_0);
    prediction.mean = away_from.mean + scale * (prediction.mean - away_from.mean);
    return prediction;
  };
}

}  // namespace iddpm
