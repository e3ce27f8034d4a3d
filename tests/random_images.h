#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/core/random_stream.h"

namespace iddpm {

/// Standard normal numbers [N, C, H, W], float32, the same at every run. Image i is the same in any batch.
inline Tensor random_noise(const std::vector<std::int64_t>& shape, std::uint64_t seed) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < shape[0]; ++i) streams.emplace_back(seed, StreamPurpose::evaluation, i);
  return normal_per_image(streams, at::IntArrayRef(shape).slice(1));
}

/// Images with values within [-1, 1], the outermost included.
inline Tensor random_images(const std::vector<std::int64_t>& shape, std::uint64_t seed) {
  return random_noise(shape, seed).clamp(-1.0, 1.0);
}

}  // namespace iddpm
