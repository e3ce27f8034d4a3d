#include "iddpm/nn/resample.h"

namespace iddpm {

Downsample::Downsample(const ParameterScope& scope, std::int64_t channels, const UNetOptions& options)
    : pads_low_edges_(options.downsampling_pads_low_edges) {
  if (!options.convolutional_resampling) return;
  convolution_.emplace(scope / "op", channels, channels,
                       ConvolutionLayerOptions{.stride = 2, .padded = !pads_low_edges_});
}

Tensor Downsample::operator()(const Tensor& x) const {
  if (!convolution_) return kernels::average_pool(x);
  return (*convolution_)(pads_low_edges_ ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x);
}

Upsample::Upsample(const ParameterScope& scope, std::int64_t channels, bool convolutional) {
  if (convolutional) convolution_.emplace(scope / "conv", channels, channels);
}

Tensor Upsample::operator()(const Tensor& x) const {
  const Tensor y = kernels::upsample_nearest(x);
  return convolution_ ? (*convolution_)(y) : y;
}

}  // namespace iddpm
