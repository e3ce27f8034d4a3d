#pragma once

#include <cstdint>

#include "iddpm/nn/module.h"
#include "iddpm/training/optimizer.h"

namespace iddpm {

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
