#pragma once

#include <cstdint>
#include <memory>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/gaussian.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/diffusion/timesteps.h"

namespace iddpm {

/// What q is made of at each t, for devices.
struct ForwardTables {
  explicit ForwardTables(const NoiseSchedule& schedule);

  TimestepTable beta;
  TimestepTable alpha_bar;
  TimestepTable alpha_bar_previous;
  TimestepTable alpha_bar_next;
  TimestepTable sqrt_alpha_bar;
  TimestepTable noise_variance;  ///< 1 - alpha_bar
  TimestepTable sqrt_noise_variance;
  TimestepTable log_noise_variance;
  TimestepTable inverse_sqrt_alpha_bar;
  TimestepTable noise_to_signal;  ///< sqrt(1 / alpha_bar - 1)
  TimestepTable beta_tilde;
  TimestepTable log_beta_tilde_clipped;
  TimestepTable posterior_mean_x_0;
  TimestepTable posterior_mean_x_t;
  TimestepTable inverse_posterior_mean_x_0;
  TimestepTable posterior_mean_ratio;  ///< posterior_mean_x_t / posterior_mean_x_0
};

/// q: adds noise to an image over T steps. Timesteps t are of 0 .. T - 1, one per image, where 0 means one step of
/// noise. All tensors are [N, C, H, W]; tables are float64 and used in the images' type and on their device. Throws
/// Error where shapes or timesteps don't fit.
class ForwardProcess {
 public:
  explicit ForwardProcess(NoiseSchedule schedule);

  const NoiseSchedule& schedule() const { return schedule_; }
  std::int64_t steps() const { return schedule_.steps(); }
  /// The schedule and what follows from it, as `q.tables().alpha_bar.at(t, x)`.
  const ForwardTables& tables() const { return *tables_; }

  /// x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise (arXiv 2102.09672 eq. 9).
  Tensor sample(const Tensor& x_0, const Timesteps& t, const Tensor& noise) const;
  /// q(x_t | x_0), eq. 8.
  Gaussian moments(const Tensor& x_0, const Timesteps& t) const;
  /// x_t from x_{t-1} by one step of q(x_t | x_{t-1}), eq. 2.
  Tensor step(const Tensor& x_previous, const Timesteps& t, const Tensor& noise) const;
  /// q(x_{t-1} | x_t, x_0), eq. 10 to 12; log_variance is the clipped one.
  Gaussian posterior(const Tensor& x_0, const Tensor& x_t, const Timesteps& t) const;
  /// L_T = KL(q(x_T | x_0) || N(0, I)) in bits per dimension, [N].
  Tensor prior_bits(const Tensor& x_0) const;

  /// x_0 from x_t and the noise in it (eq. 9 solved for x_0), and back.
  Tensor x_0_from_noise(const Tensor& x_t, const Timesteps& t, const Tensor& noise) const;
  /// Defined even where alpha_bar_t = 0 (no signal left), unlike its inverse.
  Tensor noise_from_x_0(const Tensor& x_t, const Timesteps& t, const Tensor& x_0) const;
  /// v = sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x_0, the direction in which x_t turns from image to noise
  /// (Salimans & Ho 2022, arXiv 2202.00512, appendix D), and x_0 from it: sqrt(alpha_bar) x_t - sqrt(1 - alpha_bar) v.
  /// Both are defined at any alpha_bar, and neither magnifies an error.
  Tensor velocity(const Tensor& x_0, const Timesteps& t, const Tensor& noise) const;
  Tensor x_0_from_velocity(const Tensor& x_t, const Timesteps& t, const Tensor& velocity) const;
  /// x_0 from a prediction of x_{t-1}, taken as the mean of the posterior.
  Tensor x_0_from_previous(const Tensor& x_t, const Timesteps& t, const Tensor& x_previous) const;

 private:
  NoiseSchedule schedule_;
  std::shared_ptr<const ForwardTables> tables_;
};

}  // namespace iddpm
