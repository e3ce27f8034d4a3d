#include "iddpm/diffusion/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

void require_steps(std::string_view schedule, std::int64_t steps) {
  require(steps >= 1 && steps <= max_schedule_steps, "{} schedule: expected 1 to {} steps, got {}", schedule,
          max_schedule_steps, steps);
}

// Linear in beta, or in its square root.
std::vector<double> betas_by(const LinearScheduleOptions& options, std::string_view schedule, bool in_root) {
  require_steps(schedule, options.steps);
  require((options.first_beta == 0) == (options.last_beta == 0) && options.first_beta >= 0 && options.first_beta <= 1 &&
              options.last_beta >= 0 && options.last_beta <= 1,
          "{} schedule: expected a first and a last beta above 0 and at most 1, got {} and {}", schedule,
          options.first_beta, options.last_beta);
  const double scale = 1000.0 / static_cast<double>(options.steps);
  const bool published = options.first_beta == 0;
  const auto root = [&](double beta) { return in_root ? std::sqrt(beta) : beta; };
  const double first = root(published ? scale * 1e-4 : options.first_beta);
  const double last = root(published ? scale * 0.02 : options.last_beta);
  const double increment = options.steps > 1 ? (last - first) / static_cast<double>(options.steps - 1) : 0.0;
  const double greatest = published ? 0.999 : 1.0;
  std::vector<double> betas;
  for (std::int64_t t = 0; t < options.steps; ++t) {
    const double value = first + static_cast<double>(t) * increment;
    betas.push_back(std::min(in_root ? value * value : value, greatest));
  }
  return betas;
}

}  // namespace

NoiseSchedule::NoiseSchedule(std::vector<double> betas) : beta(std::move(betas)) {
  require(!beta.empty(), "noise schedule: expected at least one beta, got none");
  const std::size_t steps = beta.size();
  double product = 1.0;
  for (std::size_t t = 0; t < steps; ++t) {
    require(beta[t] > 0.0 && beta[t] <= 1.0, "noise schedule: expected every beta in (0, 1], got {} at t = {}", beta[t],
            t);
    alpha_bar_previous.push_back(product);
    product *= 1.0 - beta[t];
    alpha_bar.push_back(product);
  }
  require(alpha_bar[0] < 1.0, "noise schedule: expected a beta that can be told from 0 at t = 0, got {}", beta[0]);
  alpha_bar_next.assign(alpha_bar.begin() + 1, alpha_bar.end());
  alpha_bar_next.push_back(0.0);

  for (std::size_t t = 0; t < steps; ++t) {
    const double noise = 1.0 - alpha_bar[t];
    beta_tilde.push_back(beta[t] * (1.0 - alpha_bar_previous[t]) / noise);
    posterior_mean_x_0.push_back(beta[t] * std::sqrt(alpha_bar_previous[t]) / noise);
    posterior_mean_x_t.push_back((1.0 - alpha_bar_previous[t]) * std::sqrt(1.0 - beta[t]) / noise);
  }
  for (double variance : beta_tilde) log_beta_tilde_clipped.push_back(std::log(variance));
  log_beta_tilde_clipped[0] = std::log(first_variance());
}

double NoiseSchedule::first_variance() const { return steps() > 1 ? beta_tilde[1] : beta[0]; }

NoiseSchedule linear_schedule(const LinearScheduleOptions& options) {
  return NoiseSchedule(betas_by(options, "linear", /*in_root=*/false));
}

NoiseSchedule scaled_linear_schedule(const LinearScheduleOptions& options) {
  return NoiseSchedule(betas_by(options, "scaled linear", /*in_root=*/true));
}

NoiseSchedule cosine_schedule(const CosineScheduleOptions& options) {
  require_steps("cosine", options.steps);
  require(options.offset >= 0.0 && options.offset <= 1.0, "cosine schedule: expected an offset in [0, 1], got {}",
          options.offset);
  require(options.max_beta > 0.0 && options.max_beta <= 1.0,
          "cosine schedule: expected a greatest beta in (0, 1], got {}", options.max_beta);
  // The C library's pow, as in the published tables: it differs from a product in the last bit now and then, which 1 -
  // f / f magnifies beyond their tolerance. Volatile, since the compiler would make a product of it.
  const volatile double square = 2.0;
  const auto f = [&](std::int64_t t) {
    const double fraction = static_cast<double>(t) / static_cast<double>(options.steps);
    return std::pow(std::cos((fraction + options.offset) / (1.0 + options.offset) * std::numbers::pi / 2.0), square);
  };
  std::vector<double> betas;
  for (std::int64_t t = 0; t < options.steps; ++t) {
    betas.push_back(std::min(1.0 - f(t + 1) / f(t), options.max_beta));
  }
  return NoiseSchedule(std::move(betas));
}

NoiseSchedule zero_terminal_snr(const NoiseSchedule& schedule) {
  require(schedule.steps() > 1, "zero terminal SNR: expected a schedule of at least 2 timesteps, got 1");
  const double first = std::sqrt(schedule.alpha_bar.front());
  const double last = std::sqrt(schedule.alpha_bar.back());
  std::vector<double> betas;
  double previous = 1.0;
  for (const double alpha_bar : schedule.alpha_bar) {
    const double signal = (std::sqrt(alpha_bar) - last) * first / (first - last);
    betas.push_back(1.0 - signal * signal / previous);
    previous = signal * signal;
  }
  return NoiseSchedule(std::move(betas));
}

}  // namespace iddpm
