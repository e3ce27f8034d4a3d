#pragma once

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

}  // namespace iddpm
