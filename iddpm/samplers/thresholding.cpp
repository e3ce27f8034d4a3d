#include "iddpm/samplers/thresholding.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

void check(const Thresholding& options) {
  require(options.quantile >= 0.0 && options.quantile <= 1.0,
          "dynamic thresholding: expected a quantile in [0, 1], got {}", options.quantile);
  require(options.greatest >= 1.0, "dynamic thresholding: expected a greatest divisor of at least 1, got {}",
          options.greatest);
}

template <typename Limit>
Denoiser with_limit(ForwardProcess q, Denoiser denoiser, Limit limit) {
  return [q = std::move(q), denoiser = std::move(denoiser), limit](const Tensor& x_t, const Tensor& t) {
    Prediction prediction = denoiser(x_t, t);
    prediction.x_0 = limit(prediction.x_0);
    prediction.mean = q.posterior(prediction.x_0, x_t, t).mean;
    return prediction;
  };
}

}  // namespace

Tensor threshold(const Tensor& x_0, const Thresholding& options) {
  check(options);
  // at::quantile refuses batches of more than 2^24 values.
  const Tensor sorted = std::get<0>(x_0.abs().flatten(1).sort(1));
  const double place = options.quantile * static_cast<double>(sorted.size(1) - 1);
  const auto below = static_cast<std::int64_t>(std::floor(place));
  const auto above = static_cast<std::int64_t>(std::ceil(place));
  const Tensor quantile =
      at::lerp(sorted.select(1, below), sorted.select(1, above), place - static_cast<double>(below));
  const Tensor s = quantile.clamp(1.0, options.greatest).view({-1, 1, 1, 1});
  return at::minimum(at::maximum(x_0, -s), s) / s;
}

Denoiser thresholded(ForwardProcess q, Denoiser denoiser, Thresholding options) {
  check(options);
  return with_limit(std::move(q), std::move(denoiser),
                    [options](const Tensor& x_0) { return threshold(x_0, options); });
}

Denoiser clipped(ForwardProcess q, Denoiser denoiser, double range) {
  return with_limit(std::move(q), std::move(denoiser), [range](const Tensor& x_0) { return x_0.clamp(-range, range); });
}

Denoiser limited(const ReverseProcess& p_theta, Denoiser denoiser, const SamplerOptions& options) {
  if (options.threshold) return thresholded(p_theta.q(), std::move(denoiser), {.quantile = *options.threshold});
  if (!p_theta.options().clip_x_0) return denoiser;
  return clipped(p_theta.q(), std::move(denoiser), p_theta.options().clip_range);
}

Denoiser denoiser_for(const ReverseProcess& p_theta, Network network, const SamplerOptions& options) {
  if (!options.threshold) return p_theta.denoiser(std::move(network));
  return limited(p_theta, p_theta.denoiser(std::move(network), /*clip_x_0=*/false), options);
}

}  // namespace iddpm
