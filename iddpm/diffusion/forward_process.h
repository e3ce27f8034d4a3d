#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/gaussian.h"
#include "iddpm/diffusion/noise_schedule.h"

namespace iddpm {

/// q: adds noise to an image over T steps. Timesteps t are int64 tensors [N] of 0 .. T - 1, where 0 means one step of
/// noise; they are best kept on the CPU, where their range is checked. All other tensors are [N, C, H, W]; tables are
/// float64 and converted to the images' type when used. Throws Error where shapes or timesteps don't fit.
class ForwardProcess {
 public:
  explicit ForwardProcess(NoiseSchedule schedule);

  const NoiseSchedule& schedule() const { return schedule_; }
  std::int64_t steps() const { return schedule_.steps(); }

  /// x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise (arXiv 2102.09672 eq. 9).
  Tensor sample(const Tensor& x_0, const Tensor& t, const Tensor& noise) const;
  /// q(x_t | x_0), eq. 8.
  Gaussian moments(const Tensor& x_0, const Tensor& t) const;
  /// x_t from x_{t-1} by one step of q(x_t | x_{t-1}), eq. 2.
  Tensor step(const Tensor& x_previous, const Tensor& t, const Tensor& noise) const;
  /// q(x_{t-1} | x_t, x_0), eq. 10 to 12; log_variance is the clipped one.
  Gaussian posterior(const Tensor& x_0, const Tensor& x_t, const Tensor& t) const;
  /// L_T = KL(q(x_T | x_0) || N(0, I)) in bits per dimension, [N].
  Tensor prior_bits(const Tensor& x_0) const;

  /// x_0 from x_t and the noise in it (eq. 9 solved for x_0), and back.
  Tensor x_0_from_noise(const Tensor& x_t, const Tensor& t, const Tensor& noise) const;
  /// Defined even where alpha_bar_t = 0 (no signal left), unlike its inverse.
  Tensor noise_from_x_0(const Tensor& x_t, const Tensor& t, const Tensor& x_0) const;
  /// v = sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x_0, the direction in which x_t turns from image to noise
  /// (Salimans & Ho 2022, arXiv 2202.00512, appendix D), and x_0 from it: sqrt(alpha_bar) x_t - sqrt(1 - alpha_bar) v.
  /// Both are defined at any alpha_bar, and neither magnifies an error.
  Tensor velocity(const Tensor& x_0, const Tensor& t, const Tensor& noise) const;
  Tensor x_0_from_velocity(const Tensor& x_t, const Tensor& t, const Tensor& velocity) const;
  /// x_0 from a prediction of x_{t-1}, taken as the mean of the posterior.
  Tensor x_0_from_previous(const Tensor& x_t, const Tensor& t, const Tensor& x_previous) const;

 private:
  NoiseSchedule schedule_;
  std::vector<double> sqrt_alpha_bar_;
  std::vector<double> noise_variance_;  ///< 1 - alpha_bar
  std::vector<double> sqrt_noise_variance_;
  std::vector<double> log_noise_variance_;
  std::vector<double> inverse_sqrt_alpha_bar_;
  std::vector<double> noise_to_signal_;  ///< sqrt(1 / alpha_bar - 1)
  std::vector<double> inverse_posterior_mean_x_0_;
  std::vector<double> posterior_mean_ratio_;  ///< posterior_mean_x_t / posterior_mean_x_0
};

/// The values of t. Throws Error unless it is an int64 tensor [N] of 0 .. steps - 1.
std::vector<std::int64_t> checked_timesteps(const Tensor& t, std::int64_t steps);

/// Entries table[t] as a tensor [N, 1, 1, 1] of x's type and device (as many extents as x). Throws Error if a t is
/// outside the table or there isn't one for each image.
Tensor at_timesteps(const std::vector<double>& table, const Tensor& t, const Tensor& x);

}  // namespace iddpm
