#include "iddpm/model/low_resolution.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {

std::vector<std::int64_t> low_resolution_shape(const UNetOptions& network) {
  require(network.super_resolution, "expected a model that enlarges images, got one that doesn't");
  require(network.low_resolution > 0, ErrorKind::unsupported,
          "this model enlarges images, but doesn't say from which size (an earlier version converted it)");
  const std::int64_t factor = std::min(network.image_height, network.image_width) / network.low_resolution;
  return {network.image_channels, network.image_height / factor, network.image_width / factor};
}

Tensor low_resolution_of(const Tensor& images, const UNetOptions& network) {
  const std::vector<std::int64_t> shape = low_resolution_shape(network);
  return at::adaptive_avg_pool2d(images, {shape[1], shape[2]});
}

ShownLowResolution shown_in_training(const Tensor& low_resolution, const UNetOptions& network,
                                     std::vector<RandomStream> streams) {
  if (!network.low_resolution_noise_varies) {
    return shown_with_noise(low_resolution, network, network.low_resolution_noise, std::move(streams));
  }
  std::vector<float> drawn;
  for (RandomStream& stream : streams) {
    drawn.push_back(static_cast<float>(network.low_resolution_noise * stream.uniform()));
  }
  const Tensor noise = at::tensor(drawn, at::kFloat).to(low_resolution.device(), /*non_blocking=*/true);
  const Tensor normal = normal_per_image(streams, low_resolution.sizes().slice(1), low_resolution.device());
  return {.images = low_resolution + noise.view({-1, 1, 1, 1}) * normal, .noise = noise};
}

ShownLowResolution shown_with_noise(const Tensor& low_resolution, const UNetOptions& network, double noise,
                                    std::vector<RandomStream> streams) {
  ShownLowResolution shown{.images = low_resolution};
  if (noise > 0.0) {
    shown.images =
        low_resolution + noise * normal_per_image(streams, low_resolution.sizes().slice(1), low_resolution.device());
  }
  if (network.low_resolution_noise_varies) {
    shown.noise = at::full({low_resolution.size(0)}, noise, low_resolution.options());
  }
  return shown;
}

double low_resolution_noise(const UNetOptions& network, std::optional<double> asked) {
  if (!asked) return network.low_resolution_noise_varies ? 0.0 : network.low_resolution_noise;
  require(network.low_resolution_noise_varies,
          "noise of {} on smaller images can't be chosen: this network always saw them with {} and isn't told how much",
          *asked, network.low_resolution_noise);
  require(*asked >= 0.0 && *asked <= network.low_resolution_noise,
          "expected noise of 0 to {} on smaller images, the most that the network was trained with, got {}",
          network.low_resolution_noise, *asked);
  return *asked;
}

}  // namespace iddpm
