#pragma once

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct DpmSolverOptions {
  std::int64_t order = 2;   ///< 1 to 3
  bool stochastic = false;  ///< solve the reverse SDE instead of the ODE
  bool heun = false;        ///< order 2 by the form with phi_2 ("heun") instead of half phi_1 ("midpoint")
};

/// DPM-Solver++ (Lu et al. 2022, arXiv 2211.01095): the ODE of x_0 over lambda, half the log-SNR, whose linear part is
/// solved exactly; x_0 over a step is extrapolated from those of the steps before (multistep, algorithm 2 for order 2).
/// The stochastic one is its SDE variant (section 6). The step to the clean image is of first order, which is x_0
/// itself; of fewer than 15 steps the one before is of at most second, since the noise then falls far in one step.
class DpmSolverSampler : public LevelSampler {
 public:
  /// Throws Error unless the order is 1 to 3.
  explicit DpmSolverSampler(DpmSolverOptions options = {});

 protected:
  LevelStep new_step() const override;

 private:
  DpmSolverOptions options_;
};

/// For the table of samplers (registry.h). Both know the order.
SamplerEntry dpm_solver_entry();
SamplerEntry stochastic_dpm_solver_entry();

}  // namespace iddpm
