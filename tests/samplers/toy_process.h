#pragma once

#include <cmath>

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// A network that looks at each image and its timestep alone: 0.9 x cos(t / 400), and sin(5 x) for a learned variance.
inline Network toy_network(Variance variance) {
  return [variance](const Tensor& x, const Tensor& t) {
    const Tensor mean = 0.9 * x * at::cos(t.to(x.scalar_type()) / 400.0).view({-1, 1, 1, 1});
    return is_learned(variance) ? at::cat({mean, at::sin(5.0 * x)}, 1) : mean;
  };
}

/// Cosine schedule, clipping.
inline ReverseProcess toy_process(std::int64_t steps, Variance variance = Variance::learned_range) {
  return ReverseProcess(ForwardProcess(cosine_schedule({.steps = steps})), {.variance = variance});
}

/// The toy network bound to a process.
inline Denoiser toy_denoiser(const ReverseProcess& p_theta) {
  return p_theta.denoiser(toy_network(p_theta.options().variance));
}

/// What a perfect network predicts where every value of an image is drawn from N(0, deviation^2) on its own.
inline Network gaussian_network(const NoiseSchedule& schedule, double deviation) {
  return [schedule, deviation](const Tensor& x, const Tensor& t) {
    const Tensor alpha_bar = at_timesteps(schedule.alpha_bar, t, x);
    return at::sqrt(1.0 - alpha_bar) * x / (alpha_bar * deviation * deviation + 1.0 - alpha_bar);
  };
}

/// The process of that network.
inline ReverseProcess gaussian_process(const NoiseSchedule& schedule) {
  return ReverseProcess(ForwardProcess(schedule),
                        {.variance = Variance::fixed_small, .clip_x_0 = false, .rescale_timesteps = false});
}

/// Data whose values are drawn from N(mean, deviation^2), each on its own, and what a perfect model knows of them.
struct GaussianData {
  double mean = 0.3;
  double deviation = 0.5;

  /// E[x_0 | x_t] at a noise level.
  Tensor x_0(const Tensor& x_t, const NoiseLevel& level) const {
    const double variance = deviation * deviation;
    const double gain = level.alpha * variance / (level.alpha * level.alpha * variance + level.sigma * level.sigma);
    return mean + gain * (x_t - level.alpha * mean);
  }
  /// x at a noise level of the probability flow ODE's path that is `z`, of unit variance, in units of its spread.
  Tensor on_path(const Tensor& z, const NoiseLevel& level) const {
    const double signal = level.alpha * deviation;
    return level.alpha * mean + std::sqrt(signal * signal + level.sigma * level.sigma) * z;
  }
  /// A denoiser of levels, noisiest first, that the steps of a run begin at.
  Denoiser denoiser(std::vector<NoiseLevel> levels) const {
    return [data = *this, levels = std::move(levels)](const Tensor& x, const Tensor& t) {
      const std::size_t k = levels.size() - 2 - static_cast<std::size_t>(t[0].item<std::int64_t>());
      return Prediction{.mean = {}, .variance = {}, .log_variance = {}, .x_0 = data.x_0(x, levels.at(k))};
    };
  }
  /// The same as a process with the ancestral mean and the fixed variance beta_tilde; defined without signal too.
  Denoiser denoiser(const ForwardProcess& q) const {
    const ReverseProcess p_theta(q, {.mean = Mean::x_0, .variance = Variance::fixed_small, .clip_x_0 = false});
    return [p_theta, x_0 = denoiser(noise_levels(q.schedule()))](const Tensor& x, const Tensor& t) {
      return p_theta.prediction_from_output(x_0(x, t).x_0, x, t);
    };
  }
};

}  // namespace iddpm
