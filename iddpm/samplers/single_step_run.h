#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// What one step leads to.
struct SingleStepResult {
  Tensor x;
  Tensor x_0;  ///< as predicted on the way
};

/// One step from x at t [N], the k-th of the run.
using SingleStep = std::function<SingleStepResult(const Tensor& x, const Timesteps& t, std::int64_t k)>;

/// A run whose steps look at the present x only: `step` is called for each of the timesteps in turn, beginning at x.
/// Throws Error unless x is a floating-point tensor [N, C, H, W].
std::unique_ptr<SamplingRun> single_step_run(std::vector<std::int64_t> timesteps, Tensor x, SingleStep step);

/// T - 1 .. 0.
std::vector<std::int64_t> descending_timesteps(std::int64_t steps);

/// sigma * noise where t > 0, and 0 where t = 0; `noise` may be undefined if every t is 0. Throws Error if it is
/// missing or not of x's shape.
Tensor step_noise(const Tensor& sigma, const Tensor& noise, const Timesteps& t, const Tensor& x);

}  // namespace iddpm
