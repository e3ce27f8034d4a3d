#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// What each step that a shortened process may take adds to its variational bound, for N timesteps that it may keep,
/// ascending. float64 on the CPU, in any one unit.
struct BoundTable {
  Tensor prior;  ///< [N]: L_T of a process whose last timestep is t
  Tensor step;   ///< [N, N] in [s, t], s < t: the divergence of the step from t to s; the rest is not looked at
  /// [N, N] in [s, t], s < t: the last step, from s to the image, where t is the timestep kept next after s (the
  /// variance of that step depends on it, see NoiseSchedule::first_variance); in [s, s]: where s is the only one
  Tensor decoder;

  std::int64_t candidates() const { return prior.size(0); }
};

/// The most timesteps among which can be chosen: a table of them takes 200 MB.
inline constexpr std::int64_t max_respacing_candidates = 5000;

/// Throws Error unless the shapes and types are as said and every number that is looked at is finite
/// (at most 1e100).
void check(const BoundTable& table);

/// The bound of the process that keeps the candidates `kept`, given by their places 0 .. N - 1. Throws Error unless
/// there is one and they ascend.
double respaced_bound(const BoundTable& table, const std::vector<std::int64_t>& kept);

/// The candidates that a process of K steps should keep for its bound to be the least, for every K at once: dynamic
/// programming over the bound's pairwise terms (Watson, Ho, Norouzi & Chan 2021, arXiv 2106.03802), in O(K N^2) time
/// and O(K N) memory. Unlike there, the last timestep is chosen too, since the prior's term says what it costs not to
/// begin at T - 1. Of choices that are equally good, the one whose last timestep is the earliest, then the one before
/// it.
class OptimalRespacing {
 public:
  /// For 1 to `most_steps` steps; 0: all N. Throws Error if the table is not as it should be or has fewer candidates.
  explicit OptimalRespacing(const BoundTable& table, std::int64_t most_steps = 0);

  /// The least bound with 1, 2, ... steps.
  const std::vector<double>& bounds() const { return bounds_; }
  /// The places of the candidates that reach the least bound with so many steps, ascending. Throws Error unless 1 to
  /// `bounds().size()` steps are asked for.
  std::vector<std::int64_t> kept(std::int64_t steps) const;

 private:
  std::vector<double> bounds_;
  std::vector<std::int64_t> last_;                   ///< [K]: the last timestep of the best choice
  std::vector<std::vector<std::int32_t>> previous_;  ///< [K][N]: the one kept before t, if t is the K-th
};

}  // namespace iddpm
