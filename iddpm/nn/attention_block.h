#pragma once

#include <optional>
#include <vector>

#include "iddpm/nn/layers.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {

/// x + projection(attention(qkv(norm(x)))): every pixel attends to all others. The plan may leave out the norm and
/// divide the sum.
class AttentionBlock {
 public:
  AttentionBlock(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options);
  /// x [N, C, H, W] -> the same shape.
  Tensor operator()(const Tensor& x) const;

 private:
  Tensor evaluate(const Tensor& x) const;

  std::optional<Normalization> norm_;
  Convolution qkv_;
  Convolution projection_;
  std::int64_t heads_;
  double divisor_;
  kernels::QkvOrder order_;
  std::vector<Tensor> checkpointed_parameters_;  // empty: no checkpointing
};

}  // namespace iddpm
