#pragma once

#include <functional>
#include <optional>
#include <string>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/respacing.h"

namespace iddpm {

/// What the network predicts.
enum class Mean { epsilon, x_0, previous_x };

/// The variance of p(x_{t-1} | x_t): beta_tilde, beta, learned as a log-variance, or learned as an interpolation v
/// between the two in log space.
enum class Variance { fixed_small, fixed_large, learned, learned_range };

struct ReverseProcessOptions {
  Mean mean = Mean::epsilon;
  Variance variance = Variance::learned_range;
  bool clip_x_0 = true;           ///< clamp the predicted x_0 to [-1, 1] when sampling and evaluating
  bool rescale_timesteps = true;  ///< the network sees t * 1000 / T (T of the full process) instead of t
};

/// A network as this layer sees it: x_t [N, C, H, W] and timesteps [N] (int64, or float32 when rescaled) -> [N, C or 2
/// C, H, W]. Anything callable will do.
using Network = std::function<Tensor(const Tensor& x_t, const Tensor& t)>;

/// What the network says of one step at x_t.
struct Prediction {
  Tensor mean;  ///< of p(x_{t-1} | x_t)
  Tensor variance;
  Tensor log_variance;
  Tensor x_0;  ///< predicted, clipped if so asked
};

/// p_theta: undoes the noise, one step at a time (arXiv 2102.09672 section 2 and 3.1). May be respaced: then its
/// process `q()` is the shortened one, and the network still sees the timesteps that it was trained with.
class ReverseProcess {
 public:
  ReverseProcess(ForwardProcess q, Network network, ReverseProcessOptions options = {});

  const ForwardProcess& q() const { return q_; }
  std::int64_t steps() const { return q_.steps(); }
  const ReverseProcessOptions& options() const { return options_; }
  /// The original timestep of each of ours.
  const std::vector<std::int64_t>& timestep_map() const { return timestep_map_; }

  /// The process shortened to the timesteps of a specification: "250", "10,15,20", "ddim50" (see respacing.h).
  ReverseProcess respaced(const std::string& specification) const;
  ReverseProcess respaced(const std::vector<std::int64_t>& timesteps) const;
  /// The same process with another network (a condition bound to it, say).
  ReverseProcess with_network(Network network) const;

  /// The network's raw output at x_t for our timesteps t [N] (mapped and rescaled for it).
  Tensor network_output(const Tensor& x_t, const Tensor& t) const;
  /// p(x_{t-1} | x_t); `clip_x_0` overrides the option.
  Prediction predict(const Tensor& x_t, const Tensor& t, std::optional<bool> clip_x_0 = {}) const;
  /// The same from an output already at hand. Throws Error if its channels don't fit the kind of variance.
  Prediction prediction_from_output(const Tensor& output, const Tensor& x_t, const Tensor& t,
                                    std::optional<bool> clip_x_0 = {}) const;

 private:
  ForwardProcess q_;
  Network network_;
  ReverseProcessOptions options_;
  std::vector<std::int64_t> timestep_map_;
  std::int64_t original_steps_;
};

}  // namespace iddpm
