#include "iddpm/samplers/guidance.h"

#include "iddpm/core/error.h"

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

Prediction guide_epsilon(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Tensor& t,
                         const Tensor& gradient) {
  require_fitting_gradient(gradient, x_t);
  const Tensor noise_scale = at::sqrt(1.0 - at_timesteps(q.schedule().alpha_bar, t, x_t));
  const Tensor epsilon = q.noise_from_x_0(x_t, t, prediction.x_0) - noise_scale * gradient;
  Prediction guided = prediction;
  guided.x_0 = q.x_0_from_noise(x_t, t, epsilon);
  guided.mean = q.posterior(guided.x_0, x_t, t).mean;
  return guided;
}

Denoiser mean_guided(Denoiser denoiser, GuidanceGradient gradient, double scale) {
  return [denoiser = std::move(denoiser), gradient = std::move(gradient), scale](const Tensor& x_t, const Tensor& t) {
    return guide_mean(denoiser(x_t, t), scale * gradient(x_t, t));
  };
}

Denoiser epsilon_guided(ForwardProcess q, Denoiser denoiser, GuidanceGradient gradient, double scale) {
  return [q = std::move(q), denoiser = std::move(denoiser), gradient = std::move(gradient), scale](const Tensor& x_t,
                                                                                                   const Tensor& t) {
    return guide_epsilon(q, denoiser(x_t, t), x_t, t, scale * gradient(x_t, t));
  };
}

}  // namespace iddpm
