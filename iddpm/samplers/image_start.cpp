#include "iddpm/samplers/image_start.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {

std::vector<std::int64_t> timesteps_within(double strength, std::int64_t process_steps,
                                           const std::vector<std::int64_t>& timesteps) {
  require(strength > 0.0 && strength <= 1.0, "sampling from images: expected a strength above 0 and at most 1, got {}",
          strength);
  require(!timesteps.empty(), "sampling from images: expected timesteps, got none");
  // 0.29 of 100 steps are 29, though the product is a little less.
  const double share = strength * static_cast<double>(process_steps) * (1.0 + 1e-12);
  const auto beyond = std::find_if(timesteps.begin(), timesteps.end(),
                                   [&](std::int64_t t) { return static_cast<double>(t + 1) > share; });
  return {timesteps.begin(), std::max(beyond, timesteps.begin() + 1)};
}

NoiseSource noise_around(Tensor images, NoiseLevel level, NoiseSource noise) {
  return [images = std::move(images), level, noise = std::move(noise)](std::int64_t draw) {
    const Tensor drawn = noise(draw);
    if (draw != 0) return drawn;
    require(images.sizes() == drawn.sizes(), "sampling from images: expected images {}, got {}",
            format_shape(drawn.sizes()), format_shape(images.sizes()));
    return level.alpha * images.to(drawn.options()) + level.sigma * drawn;
  };
}

}  // namespace iddpm
