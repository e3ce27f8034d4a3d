#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/samplers/single_step_run.h"

namespace iddpm {

/// The noise levels that a run goes through, noisiest first, and the denoiser that looks at all of them but the last:
/// step k leads from level k to level k + 1. Levels are known by their index, never by a timestep's value.
class LevelWalk {
 public:
  /// Throws Error unless there are at least two levels, each with less noise than the one before.
  LevelWalk(std::vector<NoiseLevel> levels, Denoiser denoiser, NoiseSource noise);

  std::int64_t steps() const { return static_cast<std::int64_t>(levels_.size()) - 1; }
  const NoiseLevel& level(std::int64_t k) const { return levels_.at(static_cast<std::size_t>(k)); }
  /// Whether step k is the last and ends without noise, as it should: by the predicted x_0 itself.
  bool ends_clean(std::int64_t k) const { return level(k + 1).is_clean(); }
  /// The data prediction: x_0 as the denoiser tells it from x at level k, in steps() - 1 - k of its timesteps.
  Tensor x_0(const Tensor& x, std::int64_t k) const;
  /// The noise that belongs to step k.
  Tensor noise(std::int64_t k) const { return noise_(k + 1); }

 private:
  std::vector<NoiseLevel> levels_;
  Denoiser denoiser_;
  NoiseSource noise_;
};

/// One step of a walk, from x at level k; may remember what it saw in earlier ones.
using LevelStep = std::function<SingleStepResult(const LevelWalk& walk, const Tensor& x, std::int64_t k)>;

/// A sampler that asks the denoiser for x_0 alone, and needs nothing of a process but its noise levels: all that solve
/// the probability flow ODE or an SDE of the same marginals (Song et al. 2021, arXiv 2011.13456). A variance that the
/// model has learned is that of ancestral steps, and is not looked at.
class LevelSampler : public Sampler {
 public:
  std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                     NoiseSource noise) const final;
  /// The same for levels of one's own, from x at the first of them, which may end before all noise is gone.
  std::unique_ptr<SamplingRun> start(std::vector<NoiseLevel> levels, Denoiser denoiser, Tensor x,
                                     NoiseSource noise) const;

 protected:
  /// The step of a new run, remembering nothing yet.
  virtual LevelStep new_step() const = 0;
};

/// epsilon in x at a level, x_0 being known. Not for a clean level.
Tensor epsilon_at(const NoiseLevel& level, const Tensor& x, const Tensor& x_0);

/// The solution of the probability flow ODE between two levels if x_0 (or, which is the same, epsilon) stays what it
/// is: DDIM's step (Song et al. 2021, arXiv 2010.02502), Euler's in x / alpha over sigma / alpha. Defined from no
/// signal and to no noise, where it gives x_0.
Tensor first_order_step(const Tensor& x, const Tensor& x_0, const NoiseLevel& from, const NoiseLevel& to);

/// What a solver of higher order makes of a first-order step k: `next` as that step left it, and epsilon at levels k,
/// k - 1, ..., one for each of its order.
using EpsilonCorrection =
    std::function<Tensor(const LevelWalk& walk, std::int64_t k, const std::deque<Tensor>& epsilon, Tensor next)>;

/// First-order steps, corrected by the epsilon of up to `order` levels: fewer at the beginning; none but its own where
/// the step ends clean, which is x_0 itself.
LevelStep epsilon_multistep(std::int64_t order, EpsilonCorrection correct);

/// By how much x at `to` changes per change of the epsilon that a first-order step holds fixed: alpha' (sigma' / alpha'
/// - sigma / alpha). Infinite if `from` has no signal.
double epsilon_weight(const NoiseLevel& from, const NoiseLevel& to);

}  // namespace iddpm
