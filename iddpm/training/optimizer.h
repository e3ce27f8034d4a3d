#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/nn/module.h"

namespace iddpm {

/// The rate of an exponential moving average at the step after `steps_done`. With warm-up it is at most (1 + steps) /
/// (10 + steps), so that the average soon forgets the initial weights.
double ema_rate_at(double rate, std::int64_t steps_done, bool warmup);

/// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101; beta 0.9 and 0.999, epsilon 1e-8) with the moving averages that
/// follow the parameters. Names and shapes of all are the parameters'.
struct OptimizerState {
  NamedParameters exp_avg;     ///< first moment of the gradient
  NamedParameters exp_avg_sq;  ///< second moment
  std::vector<NamedParameters> emas;
};

/// Moments of 0, averages equal to the parameters.
OptimizerState new_optimizer_state(const NamedParameters& parameters, std::size_t emas);

struct OptimizerStep {
  std::int64_t steps_done = 0;
  double learning_rate = 1e-4;
  double weight_decay = 0.0;
  double gradient_factor = 1.0;
  std::vector<double> ema_rates = {};  ///< in force at this step, one per average
};

/// One step from the parameters' gradients (a missing one counts as 0), in place. Parameters whose moments are
/// undefined are left alone: another process keeps and updates them.
void optimizer_step(const NamedParameters& parameters, OptimizerState& state, const OptimizerStep& step);

struct AdamWOptions {
  double learning_rate = 1e-4;
  double weight_decay = 0.0;
};

/// AdamW for training loops of one's own (Loshchilov & Hutter 2019, arXiv 1711.05101; beta 0.9 and 0.999, epsilon
/// 1e-8). The Trainer does more: EMA, clipping, exact resuming.
class AdamW {
 public:
  explicit AdamW(NamedParameters parameters, AdamWOptions options = {});

  /// Forgets all gradients.
  void zero_grad();
  /// One step from the parameters' gradients.
  void step();

 private:
  NamedParameters parameters_;
  AdamWOptions options_;
  OptimizerState state_;
  std::int64_t steps_done_ = 0;
};

}  // namespace iddpm
