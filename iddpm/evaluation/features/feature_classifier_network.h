#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/layers.h"
#include "iddpm/nn/parameter_store.h"

namespace iddpm {

/// The shape of a feature classifier's network.
struct FeatureClassifierOptions {
  std::int64_t image_height = 0;  ///< 8 .. 1024
  std::int64_t image_width = 0;
  std::int64_t image_channels = 0;  ///< 1 .. 4
  std::int64_t classes = 0;         ///< at least 2
  std::int64_t channels = 32;       ///< a quarter of the pooled features; a multiple of 8

  std::int64_t features() const { return 4 * channels; }
  bool operator==(const FeatureClassifierOptions&) const = default;
};

/// Throws Error naming the option that is out of range.
void check_options(const FeatureClassifierOptions& options);

/// A small residual network (He et al. 2016, arXiv 1603.05027, pre-activation) with group normalisation and SiLU. Each
/// stage halves height and width by a strided convolution and ends with a residual one, until the shorter side is at
/// most 4; channels double from stage to stage up to `features()`. So the cost per image is spread evenly, and small
/// images are as cheap as they look.
class FeatureClassifierNetwork {
 public:
  /// The parameters are made in the store, which only serves to begin with.
  FeatureClassifierNetwork(const FeatureClassifierOptions& options, ParameterStore store);

  struct Output {
    Tensor features;  ///< [N, features()]: the last activations' means over pixels
    Tensor logits;    ///< [N, classes]
  };
  /// x [N, C, H, W] in [-1, 1]. Differentiable.
  Output operator()(const Tensor& x) const;

  const FeatureClassifierOptions& options() const { return options_; }
  const NamedParameters& parameters() const { return store_.parameters(); }

 private:
  struct Norm {
    Tensor weight;
    Tensor bias;
    Tensor silu(const Tensor& x) const;
  };
  struct Stage {
    Convolution halve;
    Norm norm;
    Convolution residual;
    Norm output_norm;
  };
  static Norm add_norm(const ParameterScope& scope, std::int64_t channels);

  FeatureClassifierOptions options_;
  ParameterStore store_;
  std::vector<Stage> stages_;
  Linear classify_;
};

}  // namespace iddpm
