#include "iddpm/diffusion/forward_process.h"

#include <cmath>
#include <numbers>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

template <typename Function>
std::vector<double> map_table(const std::vector<double>& table, Function function) {
  std::vector<double> result;
  result.reserve(table.size());
  for (double value : table) result.push_back(function(value));
  return result;
}

std::vector<double> quotients(std::vector<double> numerators, const std::vector<double>& denominators) {
  for (std::size_t t = 0; t < numerators.size(); ++t) numerators[t] /= denominators[t];
  return numerators;
}

void require_same_shape(std::string_view operation, const Tensor& a, const Tensor& b) {
  require(a.sizes() == b.sizes(), "{}: expected images of one shape, got {} and {}", operation, format_shape(a.sizes()),
          format_shape(b.sizes()));
}

}  // namespace

ForwardTables::ForwardTables(const NoiseSchedule& schedule)
    : beta(schedule.beta),
      alpha_bar(schedule.alpha_bar),
      alpha_bar_previous(schedule.alpha_bar_previous),
      alpha_bar_next(schedule.alpha_bar_next),
      sqrt_alpha_bar(map_table(schedule.alpha_bar, [](double a) { return std::sqrt(a); })),
      noise_variance(map_table(schedule.alpha_bar, [](double a) { return 1.0 - a; })),
      sqrt_noise_variance(map_table(schedule.alpha_bar, [](double a) { return std::sqrt(1.0 - a); })),
      log_noise_variance(map_table(schedule.alpha_bar, [](double a) { return std::log(1.0 - a); })),
      inverse_sqrt_alpha_bar(map_table(schedule.alpha_bar, [](double a) { return std::sqrt(1.0 / a); })),
      noise_to_signal(map_table(schedule.alpha_bar, [](double a) { return std::sqrt(1.0 / a - 1.0); })),
      beta_tilde(schedule.beta_tilde),
      log_beta_tilde_clipped(schedule.log_beta_tilde_clipped),
      posterior_mean_x_0(schedule.posterior_mean_x_0),
      posterior_mean_x_t(schedule.posterior_mean_x_t),
      inverse_posterior_mean_x_0(map_table(schedule.posterior_mean_x_0, [](double c) { return 1.0 / c; })),
      posterior_mean_ratio(quotients(schedule.posterior_mean_x_t, schedule.posterior_mean_x_0)) {}

ForwardProcess::ForwardProcess(NoiseSchedule schedule)
    : schedule_(std::move(schedule)), tables_(std::make_shared<ForwardTables>(schedule_)) {}

Tensor ForwardProcess::sample(const Tensor& x_0, const Timesteps& t, const Tensor& noise) const {
  require_same_shape("q(x_t | x_0)", x_0, noise);
  return tables_->sqrt_alpha_bar.at(t, x_0) * x_0 + tables_->sqrt_noise_variance.at(t, x_0) * noise;
}

Gaussian ForwardProcess::moments(const Tensor& x_0, const Timesteps& t) const {
  return {.mean = tables_->sqrt_alpha_bar.at(t, x_0) * x_0,
          .variance = tables_->noise_variance.at(t, x_0),
          .log_variance = tables_->log_noise_variance.at(t, x_0)};
}

Tensor ForwardProcess::step(const Tensor& x_previous, const Timesteps& t, const Tensor& noise) const {
  require_same_shape("q(x_t | x_{t-1})", x_previous, noise);
  const Tensor beta = tables_->beta.at(t, x_previous);
  return at::sqrt(1.0 - beta) * x_previous + at::sqrt(beta) * noise;
}

Gaussian ForwardProcess::posterior(const Tensor& x_0, const Tensor& x_t, const Timesteps& t) const {
  require_same_shape("q(x_{t-1} | x_t, x_0)", x_0, x_t);
  return {.mean = tables_->posterior_mean_x_0.at(t, x_t) * x_0 + tables_->posterior_mean_x_t.at(t, x_t) * x_t,
          .variance = tables_->beta_tilde.at(t, x_t),
          .log_variance = tables_->log_beta_tilde_clipped.at(t, x_t)};
}

Tensor ForwardProcess::prior_bits(const Tensor& x_0) const {
  const Gaussian q = moments(x_0, Timesteps::repeated(steps() - 1, x_0.size(0)));
  const Tensor zero = at::zeros({}, x_0.options());
  return mean_per_image(gaussian_kl(q.mean, q.log_variance, zero, zero)) / std::numbers::ln2;
}

Tensor ForwardProcess::x_0_from_noise(const Tensor& x_t, const Timesteps& t, const Tensor& noise) const {
  require_same_shape("x_0 from the noise", x_t, noise);
  return tables_->inverse_sqrt_alpha_bar.at(t, x_t) * x_t - tables_->noise_to_signal.at(t, x_t) * noise;
}

Tensor ForwardProcess::noise_from_x_0(const Tensor& x_t, const Timesteps& t, const Tensor& x_0) const {
  require_same_shape("the noise from x_0", x_t, x_0);
  return (x_t - tables_->sqrt_alpha_bar.at(t, x_t) * x_0) / tables_->sqrt_noise_variance.at(t, x_t);
}

Tensor ForwardProcess::velocity(const Tensor& x_0, const Timesteps& t, const Tensor& noise) const {
  require_same_shape("v", x_0, noise);
  return tables_->sqrt_alpha_bar.at(t, x_0) * noise - tables_->sqrt_noise_variance.at(t, x_0) * x_0;
}

Tensor ForwardProcess::x_0_from_velocity(const Tensor& x_t, const Timesteps& t, const Tensor& velocity) const {
  require_same_shape("x_0 from v", x_t, velocity);
  return tables_->sqrt_alpha_bar.at(t, x_t) * x_t - tables_->sqrt_noise_variance.at(t, x_t) * velocity;
}

Tensor ForwardProcess::x_0_from_previous(const Tensor& x_t, const Timesteps& t, const Tensor& x_previous) const {
  require_same_shape("x_0 from x_{t-1}", x_t, x_previous);
  return tables_->inverse_posterior_mean_x_0.at(t, x_t) * x_previous - tables_->posterior_mean_ratio.at(t, x_t) * x_t;
}

}  // namespace iddpm
