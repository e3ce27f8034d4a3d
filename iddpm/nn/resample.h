#pragma once

#include <optional>

#include "iddpm/nn/layers.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// Halves height and width: by a convolution of stride 2 (its parameters are named "op"), or by averaging.
class Downsample {
 public:
  Downsample(const ParameterScope& scope, std::int64_t channels, const UNetOptions& options);
  /// x [N, C, H, W] -> [N, C, H / 2, W / 2].
  Tensor operator()(const Tensor& x) const;

 private:
  bool pads_low_edges_ = false;
  std::optional<Convolution> convolution_;
};

/// Doubles height and width by repeating pixels, followed by a convolution (named "conv") if asked for.
class Upsample {
 public:
  Upsample(const ParameterScope& scope, std::int64_t channels, bool convolutional);
  /// x [N, C, H, W] -> [N, C, 2 H, 2 W].
  Tensor operator()(const Tensor& x) const;

 private:
  std::optional<Convolution> convolution_;
};

}  // namespace iddpm
