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

Tensor with_low_resolution_noise(const Tensor& low_resolution, const UNetOptions& network,
                                 std::vector<RandomStream> streams) {
  if (network.low_resolution_noise == 0.0) return low_resolution;
  const Tensor noise = normal_per_image(streams, low_resolution.sizes().slice(1), low_resolution.device());
  return low_resolution + network.low_resolution_noise * noise;
}

}  // namespace iddpm
