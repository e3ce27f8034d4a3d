#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/denoiser.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/respacing.h"

namespace iddpm {

/// What the network predicts: the noise, the image, the mean of x_{t-1}, or ("v" in files and options; not the v of
/// the learned variance) the velocity of Salimans & Ho 2022, arXiv 2202.00512: see ForwardProcess::velocity.
enum class Mean { epsilon, x_0, previous_x, velocity };

/// The variance of p(x_{t-1} | x_t).
enum class Variance {
  fixed_small,   ///< beta_tilde
  fixed_large,   ///< beta; at t = 0 beta_tilde_1, for the sake of the likelihood of x_0
  learned,       ///< exp of the network's second half of channels
  learned_range  ///< interpolated between beta_tilde and beta in log space: the second half of channels is 2 v - 1
};

/// Whether the network also predicts the variance, in a second half of its channels.
constexpr bool is_learned(Variance variance) {
  return variance == Variance::learned || variance == Variance::learned_range;
}

struct ReverseProcessOptions {
  Mean mean = Mean::epsilon;
  Variance variance = Variance::learned_range;
  bool clip_x_0 = true;  ///< clamp the predicted x_0 to [-clip_range, clip_range] when sampling and evaluating
  double clip_range = 1.0;
  bool rescale_timesteps = true;  ///< the network sees t * 1000 / T (T of the full process) instead of t
};

/// A network as this layer sees it: x_t [N, C, H, W] and timesteps [N] (int64, or float32 when rescaled) on x_t's
/// device -> [N, C or 2 C, H, W]. Anything callable will do.
using Network = std::function<Tensor(const Tensor& x_t, const Tensor& t)>;

/// p_theta: how a network's output undoes the noise, one step at a time (arXiv 2102.09672 section 2 and 3.1); the
/// network itself stands beside it. May be respaced: then its process `q()` is the shortened one, and the network still
/// sees the timesteps that it was trained with.
class ReverseProcess {
 public:
  /// Throws Error if no x_0 can be told from the kind of mean at some t: epsilon (or previous_x) on a schedule whose
  /// alpha_bar falls to 0.
  explicit ReverseProcess(ForwardProcess q, ReverseProcessOptions options = {});

  const ForwardProcess& q() const { return q_; }
  std::int64_t steps() const { return q_.steps(); }
  const ReverseProcessOptions& options() const { return options_; }
  /// The original timestep of each of ours.
  const std::vector<std::int64_t>& timestep_map() const { return timestep_map_; }

  /// The process shortened to the timesteps of a specification: "250", "10,15,20", "ddim50" (see respacing.h). Keeping
  /// all of them gives the same process. Throws Error as respacing.h says.
  ReverseProcess respaced(const std::string& specification) const;
  ReverseProcess respaced(const std::vector<std::int64_t>& timesteps) const;

  /// The network's raw output at x_t for our timesteps t [N]: mapped to the original ones, and as float32 t * 1000 / T
  /// if so asked. In x_t's type. Throws Error if the output has another shape than it should.
  Tensor network_output(const Network& network, const Tensor& x_t, const Timesteps& t) const;
  /// p(x_{t-1} | x_t) (arXiv 2102.09672 eq. 3, 11, 15); `clip_x_0` overrides the option.
  Prediction predict(const Network& network, const Tensor& x_t, const Timesteps& t,
                     std::optional<bool> clip_x_0 = {}) const;
  /// The network bound to (a copy of) this process: `predict` for samplers, whose steps are those of `q()`.
  Denoiser denoiser(Network network, std::optional<bool> clip_x_0 = {}) const;
  /// What the network sees of our timesteps t [N]: int64 [N], or float32 when rescaled, on the device.
  Tensor network_timesteps(const Timesteps& t, at::Device device) const { return seen_.entries(t, device); }
  /// What `predict` makes of an output at hand. Throws Error if its shape doesn't fit the kind of variance.
  Prediction prediction_from_output(const Tensor& output, const Tensor& x_t, const Timesteps& t,
                                    std::optional<bool> clip_x_0 = {}) const;

 private:
  ReverseProcess(ForwardProcess q, ReverseProcessOptions options, std::vector<std::int64_t> timestep_map,
                 std::int64_t original_steps);
  void require_fitting_output(const Tensor& output, const Tensor& x_t) const;

  ForwardProcess q_;
  ReverseProcessOptions options_;
  std::vector<std::int64_t> timestep_map_;
  std::int64_t original_steps_;
  TimestepTable seen_;  ///< what the network sees of each of our timesteps
  TimestepTable log_beta_;
  TimestepTable large_variance_;  ///< beta with first_variance() at t = 0, and its logarithm
  TimestepTable log_large_variance_;
};

}  // namespace iddpm
