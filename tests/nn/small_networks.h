#pragma once

#include <cstdint>

#include "iddpm/core/random_stream.h"
#include "iddpm/core/tensor.h"
#include "iddpm/nn/module.h"
#include "iddpm/nn/unet.h"
#include "tests/expect_error.h"

namespace iddpm {

/// A U-Net with every kind of layer that runs in milliseconds.
inline UNetOptions small_options() {
  UNetOptions options;
  options.image_height = 8;
  options.image_width = 8;
  options.channels = 32;
  options.residual_blocks = 1;
  options.channel_multipliers = {1, 2};
  options.attention_resolutions = {4};
  options.heads = 2;
  return options;
}

/// Standard normal numbers, another draw for each seed.
inline Tensor random_tensor(at::IntArrayRef shape, std::uint64_t seed) {
  const Tensor values = at::empty(shape, at::kFloat);
  RandomStream(seed, StreamPurpose::evaluation).fill_normal({values.data_ptr<float>(), std::size_t(values.numel())});
  return values;
}

/// Gives every parameter random values, so that no convolution is zero.
inline void randomise(const NamedParameters& parameters) {
  const at::NoGradGuard no_grad;
  std::uint64_t seed = 1000;
  for (const auto& [name, parameter] : parameters) {
    const double scale = parameter.dim() > 1 ? 1.0 / std::sqrt(double(parameter.numel() / parameter.size(0))) : 0.1;
    const double offset = parameter.dim() == 1 && name.ends_with(".weight") ? 1.0 : 0.0;  // of norms
    parameter.copy_(random_tensor(parameter.sizes(), ++seed) * scale + offset);
  }
}

inline UNet random_unet(const UNetOptions& options) {
  UNet network(options);
  randomise(network.parameters());
  return network;
}

}  // namespace iddpm
