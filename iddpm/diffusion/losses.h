#pragma once

#include <optional>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/loss_weight.h"
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
  Tensor mse;  ///< squared error of the network's prediction, per dimension, times its weight at t
  Tensor vb;   ///< in bits per dimension times the objective's scale
};

/// A term of the variational bound in bits per dimension, [N], and the predicted x_0.
struct VlbTerm {
  Tensor bits;
  Tensor x_0;
};

/// The bound's term at t (0-based): KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), or at t = 0 the negative discretised
/// log-likelihood of x_0 (arXiv 2102.09672 eq. 5 and 6), where `p` is what was predicted at x_t. Evaluation clips the
/// predicted x_0, training never does.
VlbTerm vlb_term(const ForwardProcess& q, const Prediction& p, const Tensor& x_0, const Tensor& x_t,
                 const Timesteps& t);

/// The losses of a network on a batch x_0 [N, C, H, W] at timesteps t [N] with the given noise. Beside a squared error
/// no gradient flows from the vb term into the mean (arXiv 2102.09672 section 3.1). T is that of p_theta's own
/// (respaced) process. `weighting` is of the squared error; objectives without one take none. Throws Error if the
/// objective is L_hybrid and the variance is fixed, or the weight doesn't go with the prediction or the objective.
LossTerms training_losses(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                          const Tensor& noise, Objective objective = Objective::hybrid,
                          const LossWeighting& weighting = {});

/// The same for many batches: what follows from the options is checked and made once.
class TrainingLosses {
 public:
  /// Throws Error as `training_losses` does.
  explicit TrainingLosses(ReverseProcess p_theta, Objective objective = Objective::hybrid,
                          const LossWeighting& weighting = {});

  const ReverseProcess& p_theta() const { return p_theta_; }
  LossTerms operator()(const Network& network, const Tensor& x_0, const Timesteps& t, const Tensor& noise) const;

 private:
  ReverseProcess p_theta_;
  Objective objective_;
  std::optional<TimestepTable> weights_;
};

/// The paper's three objectives as plain losses [N].
/// L_simple, eq. 14: the squared error alone, of what is predicted, also where the variance is learned
/// (Objective::simple then adds to it).
Tensor simple_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                   const Tensor& noise);
/// L_hybrid, eq. 16, with lambda = T / 1000 for one term of L_vlb (0.001 for the whole sum).
Tensor hybrid_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                   const Tensor& noise);
/// L_vlb, eq. 4, estimated by T times one term; in bits per dimension.
Tensor vlb_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                const Tensor& noise);

}  // namespace iddpm
