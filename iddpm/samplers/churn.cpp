#include "iddpm/samplers/churn.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {

void check(const ChurnOptions& options) {
  require(options.amount >= 0.0 && options.least >= 0.0 && options.greatest >= 0.0 && options.noise >= 0.0,
          "churn: expected an amount, noise levels and a noise of at least 0, got {}, {} to {} and {}", options.amount,
          options.least, options.greatest, options.noise);
}

ChurnOptions churn_options(const SamplerOptions& options) {
  const ChurnOptions otherwise;
  const bool shaped = options.churn_min || options.churn_max || options.churn_noise;
  require(options.churn.value_or(0) > 0 || !shaped,
          "churn_min, churn_max and churn_noise have no effect without churn; expected --churn above 0");
  return {.amount = options.churn.value_or(otherwise.amount),
          .least = options.churn_min.value_or(otherwise.least),
          .greatest = options.churn_max.value_or(otherwise.greatest),
          .noise = options.churn_noise.value_or(otherwise.noise)};
}

std::vector<SamplerOption> churn_entry_options() {
  constexpr double any = std::numeric_limits<double>::infinity();
  const ChurnOptions otherwise;
  return {{.name = "churn", .otherwise = otherwise.amount, .greatest = any, .told_always = false},
          {.name = "churn_min", .otherwise = otherwise.least, .greatest = any, .told_always = false},
          {.name = "churn_max", .otherwise = otherwise.greatest, .greatest = any, .told_always = false},
          {.name = "churn_noise", .otherwise = otherwise.noise, .greatest = any, .told_always = false}};
}

Churned churned(const ChurnOptions& options, const LevelWalk& walk, const Tensor& x, std::int64_t k) {
  const NoiseLevel& from = walk.level(k);
  const double ratio = from.ratio();
  // No step may more than double the variance: EDM's limit.
  const double gamma = std::min(options.amount / static_cast<double>(walk.steps()), std::sqrt(2.0) - 1.0);
  if (gamma == 0.0 || ratio < options.least || ratio > options.greatest) return {.x = x, .k = k};
  const double wanted = std::log1p(gamma);
  const auto distance = [&](std::int64_t j) { return std::abs(from.lambda() - walk.level(j).lambda() - wanted); };
  std::int64_t noisier = k;
  while (noisier > 0 && walk.level(noisier - 1).alpha > 0.0 && distance(noisier - 1) < distance(noisier)) --noisier;
  if (noisier == k) return {.x = x, .k = k};
  const NoiseLevel& to = walk.level(noisier);
  const double added = std::sqrt(to.ratio() * to.ratio() - ratio * ratio);
  return {.x = to.alpha / from.alpha * x + to.alpha * added * options.noise * walk.noise(k), .k = noisier};
}

}  // namespace iddpm
