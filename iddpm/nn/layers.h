#pragma once

#include <cstdint>

#include "iddpm/kernels/operations.h"
#include "iddpm/nn/parameter_store.h"

/// The layers that hold parameters: each makes its own in its constructor and applies one operation of the kernels. All
/// are handles: copies share their parameters.
namespace iddpm {

/// Whether a layer starts as LibTorch's own layers do, or with zeros, so that the block it ends starts as the identity.
enum class Start { random, zero };

class Linear {
 public:
  Linear(const ParameterScope& scope, std::int64_t in_features, std::int64_t out_features);
  /// x [..., in] -> [..., out].
  Tensor operator()(const Tensor& x) const { return kernels::linear(x, weight_, bias_); }
  at::ScalarType type() const { return weight_.scalar_type(); }
  /// The same for copies of one layer, and for nothing else while it lives.
  const void* identity() const { return weight_.unsafeGetTensorImpl(); }

 private:
  Tensor weight_;
  Tensor bias_;
};

struct ConvolutionLayerOptions {
  std::int64_t kernel = 3;  ///< height and width, padded to keep the size (at stride 1)
  std::int64_t stride = 1;
  Start start = Start::random;
  bool padded = true;            ///< false: the caller has padded x
  bool one_dimensional = false;  ///< 1 x 1 only: the weight's shape is [out, in, 1], as in the published attention
};

class Convolution {
 public:
  Convolution(const ParameterScope& scope, std::int64_t in_channels, std::int64_t out_channels,
              const ConvolutionLayerOptions& options = {});
  /// x [N, in, H, W] -> [N, out, H / stride, W / stride].
  Tensor operator()(const Tensor& x) const;
  /// The same plus a residual of its shape.
  Tensor add_to(const Tensor& residual, const Tensor& x) const;

 private:
  Tensor weight() const;

  Tensor weight_;
  Tensor bias_;
  kernels::ConvolutionOptions options_;
};

struct NormalizationOptions {
  std::int64_t groups = 32;
  double epsilon = 1e-5;  ///< added to the variance
};

/// Group normalisation.
class Normalization {
 public:
  Normalization(const ParameterScope& scope, std::int64_t channels, const NormalizationOptions& options = {});
  Tensor operator()(const Tensor& x) const {
    return kernels::group_norm(x, options_.groups, weight_, bias_, options_.epsilon);
  }
  /// dropout(SiLU(norm(x) * (1 + scale) + shift)).
  Tensor silu(const Tensor& x, const kernels::ScaleShift& scale_shift = {},
              const kernels::DropoutOptions& dropout = {}) const {
    return kernels::group_norm_silu(x, options_.groups, weight_, bias_, scale_shift, dropout, options_.epsilon);
  }
  at::ScalarType type() const { return weight_.scalar_type(); }

 private:
  NormalizationOptions options_;
  Tensor weight_;
  Tensor bias_;
};

}  // namespace iddpm
