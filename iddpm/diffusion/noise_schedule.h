#pragma once

#include <cstdint>
#include <vector>

namespace iddpm {

struct LinearScheduleOptions {
  std::int64_t steps = 1000;
};

struct CosineScheduleOptions {
  std::int64_t steps = 4000;
  double offset = 0.008;    ///< s, which keeps beta_0 from being too small
  double max_beta = 0.999;  ///< against the singularity at t = T
};

/// How much noise each of the T steps of the forward process adds: beta_t, and all that follows from it, in float64. A
/// value type; every table has one entry per timestep, 0-based.
class NoiseSchedule {
 public:
  /// Throws Error unless there is at least one beta and each is in (0, 1].
  explicit NoiseSchedule(std::vector<double> betas);

  std::int64_t steps() const { return static_cast<std::int64_t>(beta.size()); }

  std::vector<double> beta;
  std::vector<double> alpha_bar;           ///< prod_{s <= t} (1 - beta_s)
  std::vector<double> alpha_bar_previous;  ///< alpha_bar_{t-1}; 1 at t = 0
  std::vector<double> alpha_bar_next;      ///< alpha_bar_{t+1}; 0 at t = T - 1
  std::vector<double> beta_tilde;          ///< variance of q(x_{t-1} | x_t, x_0), arXiv 2102.09672 eq. 10; 0 at t = 0
  /// log beta_tilde, with beta_tilde_0 = 0 replaced by beta_tilde_1 (by beta_0 if T = 1).
  std::vector<double> log_beta_tilde_clipped;
  std::vector<double> posterior_mean_x_0;  ///< coefficient of x_0 in the mean of q(x_{t-1} | x_t, x_0), eq. 11
  std::vector<double> posterior_mean_x_t;  ///< coefficient of x_t in it
};

/// beta from 1e-4 to 0.02, scaled by 1000 / T (Ho et al. 2020; arXiv 2102.09672 section 3.2). For few steps, where the
/// scaled values would exceed it, beta is limited to 0.999.
NoiseSchedule linear_schedule(const LinearScheduleOptions& options = {});

/// alpha_bar = f(t) / f(0), f(t) = cos^2((t / T + s) / (1 + s) * pi / 2) (arXiv 2102.09672 eq. 17).
NoiseSchedule cosine_schedule(const CosineScheduleOptions& options = {});

}  // namespace iddpm
