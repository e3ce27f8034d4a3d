#include "iddpm/samplers/deis.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

double angle(const NoiseLevel& level) { return std::atan2(level.sigma, level.alpha); }

// Lagrange's polynomial that is 1 at nodes[i] and 0 at the others.
double lagrange(const std::vector<double>& nodes, std::size_t i, double at) {
  double value = 1.0;
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    if (j != i) value *= (at - nodes[j]) / (nodes[i] - nodes[j]);
  }
  return value;
}

// The integral of that polynomial over sigma / alpha = tan(angle), by Simpson's rule.
double integral(const std::vector<double>& nodes, std::size_t i, double from, double to) {
  constexpr int intervals = 64;
  double sum = 0.0;
  for (int n = 0; n <= intervals; ++n) {
    const double at = from + (to - from) * n / intervals;
    const double weight = n == 0 || n == intervals ? 1.0 : n % 2 == 1 ? 4.0 : 2.0;
    const double cosine = std::cos(at);
    sum += weight * lagrange(nodes, i, at) / (cosine * cosine);
  }
  return sum * (to - from) / (3.0 * intervals);
}

}  // namespace

DeisSampler::DeisSampler(DeisOptions options) : options_(options) {
  require(options.order >= 1 && options.order <= 4, "DEIS: expected an order of 1 to 4, got {}", options.order);
}

LevelStep DeisSampler::new_step() const {
  return epsilon_multistep(
      options_.order, [](const LevelWalk& walk, std::int64_t k, const std::deque<Tensor>& epsilon, Tensor next) {
        const NoiseLevel& to = walk.level(k + 1);
        std::vector<double> nodes;
        for (std::size_t i = 0; i < epsilon.size(); ++i) {
          nodes.push_back(angle(walk.level(k - static_cast<std::int64_t>(i))));
        }
        // The weights sum up to those of the first-order step, so that only differences from the newest epsilon add to
        // it.
        for (std::size_t i = 1; i < nodes.size(); ++i) {
          next = next + to.alpha * integral(nodes, i, nodes[0], angle(to)) * (epsilon[i] - epsilon[0]);
        }
        return next;
      });
}

SamplerEntry deis_entry() {
  return {.name = "deis",
          .help = "epsilon a polynomial in time, few steps without noise",
          .paper = "Zhang & Chen 2022, arXiv 2204.13902",
          .options = {{.name = "order", .otherwise = 3, .least = 1, .greatest = 4}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<DeisSampler>(DeisOptions{.order = options.order.value_or(DeisOptions().order)});
          },
          .multistep = true};
}

}  // namespace iddpm
