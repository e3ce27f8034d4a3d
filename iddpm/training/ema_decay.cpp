#include "iddpm/training/ema_decay.h"

#include <algorithm>
#include <cmath>

namespace iddpm {

double ema_decay(const EmaDecay& options, std::int64_t update) {
  const auto n = static_cast<double>(std::max<std::int64_t>(0, update - options.first_update - 1));
  if (n == 0.0) return 0.0;
  const double rate =
      options.power_law ? 1.0 - std::pow(1.0 + n / options.inverse_gamma, -options.power) : (1.0 + n) / (10.0 + n);
  return std::max(std::min(rate, options.rate), options.least);
}

}  // namespace iddpm
