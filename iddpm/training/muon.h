#pragma once

#include <string>

#include "iddpm/core/tensor.h"
#include "iddpm/kernels/optimizer_step.h"

/// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose matrix has its singular values made
/// equal, so that a step moves as far in every direction.
namespace iddpm {

/// Whether a parameter is a matrix inside a U-Net, which Muon is for: the weight of a linear layer or convolution
/// (outputs x everything else) that is neither the first, nor the last, nor the classes' embedding. The rest is left to
/// AdamW.
bool is_for_muon(const std::string& name, const Tensor& parameter);

/// Roughly U V^T of the matrix U S V^T: singular values from 0.7 to 1.2, by five Newton-Schulz iterations of degree 5
/// with Jordan's coefficients. [m, n] float32 or float64; a matrix of zeros stays zeros.
Tensor orthogonalised(const Tensor& matrix);

struct MuonStep {
  double learning_rate = 1e-4;
  double weight_decay = 0.0;
  double momentum = 0.95;
  double gradient_factor = 1.0;  ///< multiplies the gradient: for clipping
};

/// With g = gradient_factor * gradient, in place, and W the parameter as a matrix [m, n]:
///   momentum  = mu momentum + (1 - mu) g
///   W        -= learning_rate weight_decay W
///   W        -= learning_rate 0.2 sqrt(max(m, n)) orthogonalised((1 - mu) g + mu momentum)     (Nesterov's)
/// The factor gives a step the root mean square of AdamW's, so that one learning rate serves both (Liu et al. 2025,
/// arXiv 2502.16982). The averages follow.
void muon_step(Tensor& parameter, const Tensor& gradient, Tensor& momentum, std::span<kernels::EmaTarget> averages,
               const MuonStep& options);

}  // namespace iddpm
