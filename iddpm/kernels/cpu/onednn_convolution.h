#pragma once

#include "iddpm/kernels/cpu/convolution_geometry.h"

/// Direct convolutions by oneDNN on channels-last activations. Tensors come checked and in place: activations of the
/// geometry's type, dense; weights and biases float32.
namespace iddpm::kernels::cpu::onednn {

/// Does oneDNN take bfloat16 convolutions on this processor, and has that instructions for them?
bool has_bfloat16();
bool has_fast_bfloat16();

/// May a geometry have a residual? Not below AVX2, where oneDNN 2.6 adds wrong values when channels don't fill a
/// vector.
bool adds_residual();

/// y = convolution(x, weight) + bias + residual; bias and residual as the geometry says. `keep_weight`: remember the
/// reordered weight (see prepared_weights.h).
void forward(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& weight, const Tensor& bias,
             const Tensor& residual, Tensor& y, bool keep_weight);

/// The gradient of x.
void backward_data(const ConvolutionGeometry& geometry, const Tensor& dy, const Tensor& weight, Tensor& dx,
                   bool keep_weight);

/// The gradients of the weight, [K, C, R, S] contiguous float32, and where the geometry has one of the bias.
void backward_weights(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dweight,
                      Tensor& dbias);

}  // namespace iddpm::kernels::cpu::onednn
