#include "iddpm/nn/layers.h"

namespace iddpm {
namespace {

Initialisation initialisation(Start start, std::int64_t fan_in) {
  return start == Start::zero ? constant(0.0) : uniform_by_fan_in(fan_in);
}

}  // namespace

Linear::Linear(const ParameterScope& scope, std::int64_t in_features, std::int64_t out_features)
    : weight_(scope.add("weight", {out_features, in_features}, uniform_by_fan_in(in_features))),
      bias_(scope.add("bias", {out_features}, uniform_by_fan_in(in_features))) {}

Convolution::Convolution(const ParameterScope& scope, std::int64_t in_channels, std::int64_t out_channels,
                         const ConvolutionLayerOptions& options)
    : options_{.stride = options.stride, .padding = options.padded ? options.kernel / 2 : 0} {
  const Initialisation start = initialisation(options.start, in_channels * options.kernel * options.kernel);
  weight_ = options.one_dimensional
                ? scope.add("weight", {out_channels, in_channels, 1}, start)
                : scope.add("weight", {out_channels, in_channels, options.kernel, options.kernel}, start);
  bias_ = scope.add("bias", {out_channels}, start);
}

Tensor Convolution::operator()(const Tensor& x) const { return kernels::convolution(x, weight(), bias_, options_); }

Tensor Convolution::add_to(const Tensor& residual, const Tensor& x) const {
  return kernels::convolution_add(x, weight(), bias_, residual, options_);
}

Tensor Convolution::weight() const { return weight_.dim() == 3 ? weight_.unsqueeze(3) : weight_; }

Normalization::Normalization(const ParameterScope& scope, std::int64_t channels, const NormalizationOptions& options)
    : options_(options),
      weight_(scope.add("weight", {channels}, constant(1.0))),
      bias_(scope.add("bias", {channels}, constant(0.0))) {}

}  // namespace iddpm
