#pragma once

#include <cstdint>

namespace iddpm {

/// How an exponential moving average's rate grows over its first updates, as diffusers' EMAModel has it (its
/// checkpoints' `optimizer_step` goes on with it).
struct EmaDecay {
  double rate = 0.9999;  ///< at most
  double least = 0.0;
  std::int64_t first_update = 0;  ///< the parameters themselves until so many updates are done
  bool power_law = false;         ///< 1 - (1 + n / inverse_gamma)^-power instead of (1 + n) / (10 + n)
  double inverse_gamma = 1.0;
  double power = 2.0 / 3.0;
};

/// The rate of the given update, counted from 1: 0 for the first, which takes the parameters as they are.
double ema_decay(const EmaDecay& options, std::int64_t update);

}  // namespace iddpm
