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

void require_same_shape(std::string_view operation, const Tensor& a, const Tensor& b) {
  require(a.sizes() == b.sizes(), "{}: expected images of one shape, got {} and {}", operation, format_shape(a.sizes()),
          format_shape(b.sizes()));
}

}  // namespace

ForwardProcess::ForwardProcess(NoiseSchedule schedule)
    : schedule_(std::move(schedule)),
      sqrt_alpha_bar_(map_table(schedule_.alpha_bar, [](double a) { return std::sqrt(a); })),
      noise_variance_(map_table(schedule_.alpha_bar, [](double a) { return 1.0 - a; })),
      sqrt_noise_variance_(map_table(noise_variance_, [](double v) { return std::sqrt(v); })),
      log_noise_variance_(map_table(noise_variance_, [](double v) { return std::log(v); })),
      inverse_sqrt_alpha_bar_(map_table(schedule_.alpha_bar, [](double a) { return std::sqrt(1.0 / a); })),
      noise_to_signal_(map_table(schedule_.alpha_bar, [](double a) { return std::sqrt(1.0 / a - 1.0); })),
      inverse_posterior_mean_x_0_(map_table(schedule_.posterior_mean_x_0, [](double c) { return 1.0 / c; })),
      posterior_mean_ratio_(schedule_.posterior_mean_x_t) {
  for (std::size_t t = 0; t < posterior_mean_ratio_.size(); ++t) {
    posterior_mean_ratio_[t] /= schedule_.posterior_mean_x_0[t];
  }
}

Tensor ForwardProcess::sample(const Tensor& x_0, const Tensor& t, const Tensor& noise) const {
  require_same_shape("q(x_t | x_0)", x_0, noise);
  return at_timesteps(sqrt_alpha_bar_, t, x_0) * x_0 + at_timesteps(sqrt_noise_variance_, t, x_0) * noise;
}

Gaussian ForwardProcess::moments(const Tensor& x_0, const Tensor& t) const {
  return {.mean = at_timesteps(sqrt_alpha_bar_, t, x_0) * x_0,
          .variance = at_timesteps(noise_variance_, t, x_0),
          .log_variance = at_timesteps(log_noise_variance_, t, x_0)};
}

Tensor ForwardProcess::step(const Tensor& x_previous, const Tensor& t, const Tensor& noise) const {
  require_same_shape("q(x_t | x_{t-1})", x_previous, noise);
  const Tensor beta = at_timesteps(schedule_.beta, t, x_previous);
  return at::sqrt(1.0 - beta) * x_previous + at::sqrt(beta) * noise;
}

Gaussian ForwardProcess::posterior(const Tensor& x_0, const Tensor& x_t, const Tensor& t) const {
  require_same_shape("q(x_{t-1} | x_t, x_0)", x_0, x_t);
  return {.mean = at_timesteps(schedule_.posterior_mean_x_0, t, x_t) * x_0 +
                  at_timesteps(schedule_.posterior_mean_x_t, t, x_t) * x_t,
          .variance = at_timesteps(schedule_.beta_tilde, t, x_t),
          .log_variance = at_timesteps(schedule_.log_beta_tilde_clipped, t, x_t)};
}

Tensor ForwardProcess::prior_bits(const Tensor& x_0) const {
  const Tensor last = at::full({x_0.size(0)}, steps() - 1, at::kLong);
  const Gaussian q = moments(x_0, last);
  const Tensor zero = at::zeros({}, x_0.options());
  return mean_per_image(gaussian_kl(q.mean, q.log_variance, zero, zero)) / std::numbers::ln2;
}

Tensor ForwardProcess::x_0_from_noise(const Tensor& x_t, const Tensor& t, const Tensor& noise) const {
  require_same_shape("x_0 from the noise", x_t, noise);
  return at_timesteps(inverse_sqrt_alpha_bar_, t, x_t) * x_t - at_timesteps(noise_to_signal_, t, x_t) * noise;
}

Tensor ForwardProcess::noise_from_x_0(const Tensor& x_t, const Tensor& t, const Tensor& x_0) const {
  require_same_shape("the noise from x_0", x_t, x_0);
  return (x_t - at_timesteps(sqrt_alpha_bar_, t, x_t) * x_0) / at_timesteps(sqrt_noise_variance_, t, x_t);
}

Tensor ForwardProcess::velocity(const Tensor& x_0, const Tensor& t, const Tensor& noise) const {
  require_same_shape("v", x_0, noise);
  return at_timesteps(sqrt_alpha_bar_, t, x_0) * noise - at_timesteps(sqrt_noise_variance_, t, x_0) * x_0;
}

Tensor ForwardProcess::x_0_from_velocity(const Tensor& x_t, const Tensor& t, const Tensor& velocity) const {
  require_same_shape("x_0 from v", x_t, velocity);
  return at_timesteps(sqrt_alpha_bar_, t, x_t) * x_t - at_timesteps(sqrt_noise_variance_, t, x_t) * velocity;
}

Tensor ForwardProcess::x_0_from_previous(const Tensor& x_t, const Tensor& t, const Tensor& x_previous) const {
  require_same_shape("x_0 from x_{t-1}", x_t, x_previous);
  return at_timesteps(inverse_posterior_mean_x_0_, t, x_t) * x_previous -
         at_timesteps(posterior_mean_ratio_, t, x_t) * x_t;
}

std::vector<std::int64_t> checked_timesteps(const Tensor& t, std::int64_t steps) {
  require(t.defined() && t.dim() == 1 && t.scalar_type() == at::kLong,
          "timesteps: expected an int64 tensor [N], got {}",
          t.defined() ? fmt::format("{} {}", at::toString(t.scalar_type()), format_shape(t.sizes())) : "none");
  const Tensor on_cpu = t.to(at::kCPU).contiguous();
  const std::int64_t* values = on_cpu.data_ptr<std::int64_t>();
  std::vector<std::int64_t> result(values, values + on_cpu.numel());
  for (std::int64_t value : result) {
    require(value >= 0 && value < steps, "timesteps: expected values of 0 to {}, got {}", steps - 1, value);
  }
  return result;
}

Tensor at_timesteps(const std::vector<double>& table, const Tensor& t, const Tensor& x) {
  const std::vector<std::int64_t> timesteps = checked_timesteps(t, static_cast<std::int64_t>(table.size()));
  require(x.dim() >= 1 && at::isFloatingType(x.scalar_type()),
          "images: expected a floating-point tensor [N, ...], got {} {}", at::toString(x.scalar_type()),
          format_shape(x.sizes()));
  const auto count = static_cast<std::int64_t>(timesteps.size());
  require(count == x.size(0), "timesteps: expected one for each of {} images, got {}", x.size(0), count);
  const Tensor values = at::empty({count}, at::kDouble);
  double* value = values.data_ptr<double>();
  for (std::int64_t timestep : timesteps) *value++ = table[static_cast<std::size_t>(timestep)];
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = count;
  return values.to(x.scalar_type()).to(x.device()).view(shape);
}

}  // namespace iddpm
