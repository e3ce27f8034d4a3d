#pragma once

#include <cstdint>
#include <vector>

namespace iddpm {

/// The most steps of a named schedule: beyond, the first beta is lost in float32.
inline constexpr std::int64_t max_schedule_steps = 1'000'000;

struct LinearScheduleOptions {
  std::int64_t steps = 1000;
  double first_beta = 0.0;  ///< 0, like last_beta: 1e-4 and 0.02, scaled by 1000 / steps
  double last_beta = 0.0;
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
  /// Throws Error unless there is at least one beta, each is in (0, 1], and the first is more than rounding.
  explicit NoiseSchedule(std::vector<double> betas);

  std::int64_t steps() const { return static_cast<std::int64_t>(beta.size()); }
  /// What stands in for beta_tilde_0 = 0 where a variance above 0 is needed: beta_tilde_1, or beta_0 if T = 1.
  double first_variance() const;

  std::vector<double> beta;
  std::vector<double> alpha_bar;           ///< prod_{s <= t} (1 - beta_s)
  std::vector<double> alpha_bar_previous;  ///< alpha_bar_{t-1}; 1 at t = 0
  std::vector<double> alpha_bar_next;      ///< alpha_bar_{t+1}; 0 at t = T - 1
  std::vector<double> beta_tilde;          ///< variance of q(x_{t-1} | x_t, x_0), arXiv 2102.09672 eq. 10; 0 at t = 0
  /// log beta_tilde, with beta_tilde_0 replaced by first_variance().
  std::vector<double> log_beta_tilde_clipped;
  std::vector<double> posterior_mean_x_0;  ///< coefficient of x_0 in the mean of q(x_{t-1} | x_t, x_0), eq. 11
  std::vector<double> posterior_mean_x_t;  ///< coefficient of x_t in it
};

/// beta from the first to the last: from 1e-4 to 0.02, scaled by 1000 / T (Ho et al. 2020; arXiv 2102.09672 section
/// 3.2). For few steps, where the scaled values would exceed it (T of 20 and below), beta is limited to 0.999. Throws
/// Error if an option is out of range, or only one of the betas is 0.
NoiseSchedule linear_schedule(const LinearScheduleOptions& options = {});

/// The same linear in sqrt(beta) (Rombach et al. 2022, arXiv 2112.10752).
NoiseSchedule scaled_linear_schedule(const LinearScheduleOptions& options = {});

/// alpha_bar = f(t) / f(0), f(t) = cos^2((t / T + s) / (1 + s) * pi / 2) (arXiv 2102.09672 eq. 17). Throws Error if an
/// option is out of range.
NoiseSchedule cosine_schedule(const CosineScheduleOptions& options = {});

/// The schedule with no signal left at the last timestep: sqrt(alpha_bar) moved and stretched so that the last is 0 and
/// the first stays (Lin et al. 2024, arXiv 2305.08891, algorithm 1). Throws Error if it has a single timestep.
NoiseSchedule zero_terminal_snr(const NoiseSchedule& schedule);

}  // namespace iddpm
