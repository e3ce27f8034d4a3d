#include "iddpm/diffusion/gaussian.h"

#include <cmath>
#include <numbers>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// The standard normal distribution function by the tanh approximation that the published models were trained with.
Tensor normal_cdf(const Tensor& x) {
  return 0.5 * (1.0 + at::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * at::pow(x, 3))));
}

// Keeps logarithms finite where a probability rounds to 0.
Tensor safe_log(const Tensor& probability) { return at::log(probability.clamp_min(1e-12)); }

}  // namespace

Tensor gaussian_kl(const Tensor& mean_1, const Tensor& log_variance_1, const Tensor& mean_2,
                   const Tensor& log_variance_2) {
  return 0.5 * (-1.0 + log_variance_2 - log_variance_1 + at::exp(log_variance_1 - log_variance_2) +
                at::square(mean_1 - mean_2) * at::exp(-log_variance_2));
}

Tensor discretized_gaussian_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_scale) {
  const Tensor centred = x - mean;
  const Tensor inverse_scale = at::exp(-log_scale);
  const Tensor cdf_above = normal_cdf(inverse_scale * (centred + 1.0 / 255.0));
  const Tensor cdf_below = normal_cdf(inverse_scale * (centred - 1.0 / 255.0));
  const Tensor inner = safe_log(cdf_above - cdf_below);
  const Tensor highest = safe_log(1.0 - cdf_below);
  const Tensor lowest = safe_log(cdf_above);
  return at::where(x < -0.999, lowest, at::where(x > 0.999, highest, inner));
}

Tensor mean_per_image(const Tensor& x) {
  require(x.dim() >= 2, "mean per image: expected a tensor [N, ...], got {}", format_shape(x.sizes()));
  return x.flatten(1).mean(1);
}

}  // namespace iddpm
