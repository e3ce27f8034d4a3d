#include "iddpm/samplers/unipc.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// rho with sum_k rho_k r_k^j = b_j, j = 0 .. n - 1 (Bjorck and Pereyra 1970).
std::vector<double> solve_vandermonde(const std::vector<double>& r, std::vector<double> b) {
  const std::size_t n = r.size();
  for (std::size_t k = 0; k + 1 < n; ++k) {
    for (std::size_t i = n - 1; i > k; --i) b[i] -= r[k] * b[i - 1];
  }
  for (std::size_t k = n - 1; k-- > 0;) {
    for (std::size_t i = k + 1; i < n; ++i) b[i] /= r[i] - r[i - k - 1];
    for (std::size_t i = k; i + 1 < n; ++i) b[i] -= b[i + 1];
  }
  return b;
}

// The weights of D_k / r_k, where r_k h is how far in lambda point k lies from the step's beginning. One point has the
// weight 1/2 by definition of bh2.
std::vector<double> weights(const std::vector<double>& r, double h) {
  if (r.size() == 1) return {0.5};
  const double b_of_h = std::expm1(-h);
  std::vector<double> b;
  double phi = b_of_h / -h - 1.0;  // h phi_{j+1}(-h), up to sign
  double factorial = 1.0;
  for (std::size_t j = 1; j <= r.size(); ++j) {
    b.push_back(phi * factorial / b_of_h);
    factorial *= static_cast<double>(j) + 1.0;
    phi = phi / -h - 1.0 / factorial;
  }
  return solve_vandermonde(r, std::move(b));
}

class UniPcStep {
 public:
  explicit UniPcStep(UniPcOptions options) : options_(options) {}

  SingleStepResult operator()(const LevelWalk& walk, const Tensor& predicted, std::int64_t k) {
    Tensor x_0 = walk.x_0(predicted, k);
    const Tensor x = k > 0 ? step(walk, previous_x_, k - 1, previous_order_, x_0) : predicted;
    history_.push_front(x_0);
    if (static_cast<std::int64_t>(history_.size()) > options_.order) history_.pop_back();
    // The last step, to the clean image, is of first order, which is x_0 itself; the one before of at most second.
    std::int64_t order = std::min({options_.order, walk.steps() - k, k + 1});
    // What was predicted where no signal was is no point of a polynomial in lambda.
    while (order > 1 && walk.level(k + 1 - order).alpha == 0.0) --order;
    previous_x_ = x;
    previous_order_ = order;
    return {.x = step(walk, x, k, order, {}), .x_0 = std::move(x_0)};
  }

 private:
  // From x at level k to the next, by history_ with its newest entry at level k and, if given, x_0 at the new level.
  Tensor step(const LevelWalk& walk, const Tensor& x, std::int64_t k, std::int64_t order,
              const Tensor& x_0_there) const {
    const NoiseLevel& from = walk.level(k);
    const NoiseLevel& to = walk.level(k + 1);
    const double h = to.lambda() - from.lambda();
    std::vector<double> r;
    std::vector<Tensor> differences;
    for (std::int64_t i = 1; i < order; ++i) {
      r.push_back((walk.level(k - i).lambda() - from.lambda()) / h);
      differences.push_back((history_[static_cast<std::size_t>(i)] - history_[0]) / r.back());
    }
    if (x_0_there.defined()) {
      r.push_back(1.0);
      differences.push_back(x_0_there - history_[0]);
    }
    const double b_of_h = std::expm1(-h);
    Tensor weighted = history_[0];
    if (!r.empty()) {
      const std::vector<double> rho = weights(r, h);
      for (std::size_t i = 0; i < rho.size(); ++i) weighted = weighted + rho[i] * differences[i];
    }
    return to.sigma / from.sigma * x - to.alpha * b_of_h * weighted;
  }

  UniPcOptions options_;
  std::deque<Tensor> history_;  // x_0 as predicted, the newest first
  Tensor previous_x_;           // at the level before, corrected
  std::int64_t previous_order_ = 1;
};

}  // namespace

UniPcSampler::UniPcSampler(UniPcOptions options) : options_(options) {
  require(options.order >= 1 && options.order <= 3, "UniPC: expected an order of 1 to 3, got {}", options.order);
}

LevelStep UniPcSampler::new_step() const { return UniPcStep(options_); }

SamplerEntry unipc_entry() {
  return {.name = "unipc",
          .help = "predictor and corrector, few steps without noise",
          .paper = "Zhao et al. 2023, arXiv 2302.04867",
          .options = {{.name = "order", .otherwise = 3, .least = 1, .greatest = 3}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<UniPcSampler>(UniPcOptions{.order = options.order.value_or(UniPcOptions().order)});
          },
          .multistep = true};
}

}  // namespace iddpm
