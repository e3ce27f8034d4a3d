#include "iddpm/samplers/interpolation.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {

Tensor interpolated_latent(const Tensor& latents, double place) {
  require(latents.dim() == 4 && latents.size(0) >= 2, "interpolation: expected at least 2 latents [K, C, H, W], got {}",
          format_shape(latents.sizes()));
  require(place >= 0.0 && place <= 1.0, "interpolation: expected a place from 0 to 1, got {}", place);
  const std::int64_t last = latents.size(0) - 1;
  const double along = place * static_cast<double>(last);
  const std::int64_t left = std::min(static_cast<std::int64_t>(along), last - 1);
  const double share = along - static_cast<double>(left);
  const Tensor a = latents[left], b = latents[left + 1];
  const double cosine = (a * b).sum(at::kDouble).item<double>() /
                        (a.norm(2, at::kDouble).item<double>() * b.norm(2, at::kDouble).item<double>());
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0));
  constexpr double same_direction = 1e-6;  // and opposite ones, between which no great circle is the shortest
  if (!(std::sin(angle) > same_direction)) return (1.0 - share) * a + share * b;
  return std::sin((1.0 - share) * angle) / std::sin(angle) * a + std::sin(share * angle) / std::sin(angle) * b;
}

}  // namespace iddpm
