#pragma once

#include <string>
#include <vector>

namespace iddpm {

/// One labelled tick of an axis. "2×10" with superscript "-5", or "0.25" without.
struct Tick {
  double value = 0;
  std::string label = {};
  std::string superscript = {};
};

/// The ticks of an axis, ascending.
struct Ticks {
  std::vector<Tick> major = {};
  std::vector<double> minor = {};  ///< without labels; logarithmic axes only
};

/// Round values (1, 2 or 5 times a power of ten apart) within [minimum, maximum], about `target` of them.
Ticks linear_ticks(double minimum, double maximum, int target);

/// Powers of ten within [minimum, maximum], both positive, at most about `target` of them; where the range holds less
/// than three, also 1-2-5 multiples or, in a narrow range, the linear ticks.
Ticks log_ticks(double minimum, double maximum, int target);

}  // namespace iddpm
