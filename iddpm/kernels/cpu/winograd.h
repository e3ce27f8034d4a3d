#pragma once

#include "iddpm/kernels/cpu/convolution_geometry.h"

/// 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3): a quarter of the multiplications, in float32 whatever the
/// activations' type. Relative to the largest value, results differ from a direct convolution's by about 1e-6 to 1e-5.
/// Tensors come checked as for the direct convolution (onednn_convolution.h).
namespace iddpm::kernels::cpu::winograd {

/// Can it compute that convolution?
bool is_possible(const ConvolutionGeometry& geometry);

/// Is it faster than the direct convolution? Depends on channels and tiles, on whether the transformed weight can be
/// kept for the next time, and on whether the direct one has bfloat16 instructions.
bool is_worthwhile(const ConvolutionGeometry& geometry, const Tensor& weight, bool keep_weight, bool fast_bfloat16);

void forward(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& weight, const Tensor& bias,
             const Tensor& residual, Tensor& y, bool keep_weight);

void backward_data(const ConvolutionGeometry& geometry, const Tensor& dy, const Tensor& weight, Tensor& dx,
                   bool keep_weight);

void backward_weights(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dweight,
                      Tensor& dbias);

}  // namespace iddpm::kernels::cpu::winograd
