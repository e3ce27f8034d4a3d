#pragma once

#include <optional>
#include <vector>

#include "iddpm/nn/block_embedding.h"
#include "iddpm/nn/layers.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {

/// What every residual block of a forward pass is told beside its input.
struct BlockCondition {
  BlockEmbedding embedding;  ///< of time (and class)
  Tensor dropout_keys;       ///< [N] int64, or undefined: no dropout
  Tensor dropout_words;      ///< of all layers (kernels::dropout_words), or undefined
};

/// x + convolution(dropout(SiLU(norm(convolution(SiLU(norm(x))))))), conditioned on the embedding, which scales and
/// shifts the second norm's result or is added before it. A 1 x 1 convolution takes x to the new number of channels;
/// with resampling, both branches halve or double their size, the inner one between its SiLU and its convolution
/// (arXiv 2105.05233, section 3).
class ResidualBlock {
 public:
  ResidualBlock(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options);
  /// x [N, C, H, W] -> [N, C', H', W'].
  Tensor operator()(const Tensor& x, const BlockCondition& condition) const;

 private:
  Tensor evaluate(const Tensor& x, const BlockCondition& condition) const;
  Tensor resampled(const Tensor& x) const;

  Normalization in_norm_;
  Convolution in_convolution_;
  Linear embedding_;
  Normalization out_norm_;
  Convolution out_convolution_;
  std::optional<Convolution> skip_;
  LayerResampling resampling_;
  double divisor_;
  bool scale_shift_norm_;
  double dropout_;
  std::int64_t dropout_layer_;
  std::vector<Tensor> checkpointed_parameters_;  // empty: no checkpointing
};

}  // namespace iddpm
