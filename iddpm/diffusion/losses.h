#pragma once

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// What training minimises.
enum class Objective {
  simple,  ///< L_simple; with a learned variance plus L_vlb's term unscaled (the published code's MSE)
  hybrid,  ///< L_hybrid: L_simple plus L_vlb's term, scaled by T / 1000 (its RESCALED_MSE). Needs a learned variance.
  vlb,     ///< L_vlb, scaled by T to estimate the whole bound (its RESCALED_KL)
  vlb_unscaled,  ///< one term of L_vlb (its KL)
};

/// Per-image losses, each [N]; mse or vb is undefined where the objective has none.
struct LossTerms {
  Tensor total;
  Tensor mse;
  Tensor vb;  ///< in bits per dimension times the objective's scale
};

/// L_{t-1} in bits per dimension, [N], and the predicted x_0: KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), or at t =
/// 0 the discretised likelihood of x_0.
struct VlbTerm {
  Tensor bits;
  Tensor x_0;
};
VlbTerm vlb_term(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& x_t, const Tensor& t, bool clip_x_0);
VlbTerm vlb_term_from_output(const ReverseProcess& p_theta, const Tensor& output, const Tensor& x_0, const Tensor& x_t,
                             const Tensor& t, bool clip_x_0);

/// The losses of a batch x_0 [N, C, H, W] at timesteps t [N] with the given noise. In L_hybrid no gradient flows from
/// the vb term into the mean (arXiv 2102.09672 section 3.1).
LossTerms training_losses(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& t, const Tensor& noise,
                          Objective objective = Objective::hybrid);

/// The paper's three objectives as plain losses [N].
Tensor simple_loss(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& t, const Tensor& noise);
Tensor hybrid_loss(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& t, const Tensor& noise);
Tensor vlb_loss(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& t, const Tensor& noise);

}  // namespace iddpm
