#pragma once

#include <variant>

#include "iddpm/nn/classifier_options.h"
#include "iddpm/nn/encoder.h"

/// The ends of the classifier of noisy images: from an encoder's features to logits. Each computes in its parameters'
/// type and names its parameters in the scope "out".
namespace iddpm {

/// Norm, SiLU, mean over the pixels, 1 x 1 convolution.
class AdaptivePool {
 public:
  AdaptivePool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options);
  Tensor operator()(const Encoder::Features& features) const;

 private:
  Normalization norm_;
  Convolution convolution_;
};

/// Norm, SiLU, and an attention layer in which only the mean over the pixels asks (after CLIP's, Radford et al. 2021,
/// arXiv 2103.00020); every place has a learned embedding, so that the image's size is fixed.
class AttentionPool {
 public:
  AttentionPool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options);
  Tensor operator()(const Encoder::Features& features) const;

 private:
  Normalization norm_;
  Tensor positional_embedding_;  // [C, 1 + H W]
  Convolution qkv_;
  Convolution projection_;
  std::int64_t heads_;
};

/// The means over the pixels of every block's output, a hidden layer of 2048, and either ReLU or (version 2) norm and
/// SiLU before the last.
class SpatialPool {
 public:
  SpatialPool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options);
  Tensor operator()(const Encoder::Features& features) const;

 private:
  Linear hidden_;
  std::optional<Normalization> norm_;
  Linear out_;
};

using PoolLayer = std::variant<AdaptivePool, AttentionPool, SpatialPool>;
PoolLayer make_pool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options);

}  // namespace iddpm
