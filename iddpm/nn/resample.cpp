#include "iddpm/nn/resample.h"

namespace iddpm {

Downsample::Downsample(const ParameterScope& scope, std::int64_t channels, bool convolutional) {
  if (convolutional) convolution_.emplace(scope / "op", channels, channels, ConvolutionLayerOptions{.stride = 2});
}

Tensor Downsample::operator()(const Tensor& x) const {
  return convolution_ ? (*convolution_)(x) : kernels::average_pool(x);
}

Upsample::Upsample(const ParameterScope& scope, std::int64_t channels, bool convolutional) {
  if (convolutional) convolution_.emplace(scope / "conv", channels, channels);
}

Tensor Upsample::operator()(const Tensor& x) const {
  const Tensor y = kernels::upsample_nearest(x);
  return convolution_ ? (*convolution_)(y) : y;
}

}  // namespace iddpm
