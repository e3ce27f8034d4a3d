#include "iddpm/diffusion/optimal_respacing.h"

#include <algorithm>
#include <limits>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Beyond, sums might be infinite.
constexpr double largest_term = 1e100;

bool moderate(const Tensor& terms) { return (terms.abs() <= largest_term).all().item<bool>(); }

// Row s of a matrix: the costs of going from every t to s.
const double* row(const Tensor& matrix, std::int64_t s) { return matrix.data_ptr<double>() + s * matrix.size(1); }

BoundTable contiguous(const BoundTable& table) {
  return {.prior = table.prior.contiguous(), .step = table.step.contiguous(), .decoder = table.decoder.contiguous()};
}

// Processes of k steps, without the prior, by the last of the timesteps that they keep.
struct Layer {
  std::vector<double> cost;            // [N]: the least there is; infinite where fewer than k timesteps end at t
  std::vector<std::int32_t> previous;  // [N]: the timestep kept before t in it
};

Layer first_layer(const BoundTable& terms) {
  const auto candidates = static_cast<std::size_t>(terms.candidates());
  Layer layer{.cost = {}, .previous = std::vector<std::int32_t>(candidates, -1)};
  for (std::int64_t t = 0; t < terms.candidates(); ++t) layer.cost.push_back(row(terms.decoder, t)[t]);
  return layer;
}

// From the costs of k - 1 steps those of k.
Layer next_layer(const BoundTable& terms, const std::vector<double>& cost, std::int64_t k) {
  const std::int64_t candidates = terms.candidates();
  const auto size = static_cast<std::size_t>(candidates);
  Layer layer{.cost = std::vector<double>(size, infinity), .previous = std::vector<std::int32_t>(size, -1)};
  // k - 2 timesteps are kept before s.
  for (std::int64_t s = k - 2; s < candidates - 1; ++s) {
    const double* step = row(terms.step, s);
    const double* decoder = row(terms.decoder, s);
    for (std::int64_t t = s + 1; t < candidates; ++t) {
      const auto to = static_cast<std::size_t>(t);
      const double sum = step[t] + (k == 2 ? decoder[t] : cost[static_cast<std::size_t>(s)]);
      if (sum < layer.cost[to]) {
        layer.cost[to] = sum;
        layer.previous[to] = static_cast<std::int32_t>(s);
      }
    }
  }
  return layer;
}

}  // namespace

void check(const BoundTable& table) {
  for (const Tensor& part : {table.prior, table.step, table.decoder}) {
    require(part.defined() && part.scalar_type() == at::kDouble && part.device().is_cpu(),
            "optimal respacing: expected float64 tables on the CPU, got {}",
            part.defined() ? at::toString(part.scalar_type()) : "none");
  }
  require(table.prior.dim() == 1 && table.candidates() >= 1 && table.candidates() <= max_respacing_candidates,
          "optimal respacing: expected the prior's terms of 1 to {} timesteps, got {}", max_respacing_candidates,
          format_shape(table.prior.sizes()));
  const std::vector<std::int64_t> square(2, table.candidates());
  require(table.step.sizes() == at::IntArrayRef(square) && table.decoder.sizes() == at::IntArrayRef(square),
          "optimal respacing: expected tables of shape {}, got {} and {}", format_shape(square),
          format_shape(table.step.sizes()), format_shape(table.decoder.sizes()));
  require(moderate(table.prior) && moderate(table.step.triu(1)) && moderate(table.decoder.triu()),
          "optimal respacing: expected finite terms of the bound of at most {:g}, got others", largest_term);
}

double respaced_bound(const BoundTable& table, const std::vector<std::int64_t>& kept) {
  check(table);
  require(!kept.empty(), "optimal respacing: expected at least one timestep to keep, got none");
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const std::int64_t least = i == 0 ? 0 : kept[i - 1] + 1;
    require(kept[i] >= least && kept[i] < table.candidates(),
            "optimal respacing: expected ascending places of 0 to {}, got {} where at least {} is due",
            table.candidates() - 1, kept[i], least);
  }
  const BoundTable terms = contiguous(table);
  const std::int64_t second = kept.size() > 1 ? kept[1] : kept[0];
  double bound = row(terms.decoder, kept[0])[second] + terms.prior.data_ptr<double>()[kept.back()];
  for (std::size_t i = 1; i < kept.size(); ++i) bound += row(terms.step, kept[i - 1])[kept[i]];
  return bound;
}

OptimalRespacing::OptimalRespacing(const BoundTable& table, std::int64_t most_steps) {
  check(table);
  const BoundTable terms = contiguous(table);
  const std::int64_t candidates = terms.candidates();
  if (most_steps == 0) most_steps = candidates;
  require(most_steps >= 1 && most_steps <= candidates, "optimal respacing: expected 1 to {} steps, got {}", candidates,
          most_steps);
  std::vector<double> cost;
  for (std::int64_t k = 1; k <= most_steps; ++k) {
    Layer layer = k == 1 ? first_layer(terms) : next_layer(terms, cost, k);
    cost = std::move(layer.cost);
    previous_.push_back(std::move(layer.previous));
    double least = infinity;
    std::int64_t last = -1;
    for (std::int64_t t = k - 1; t < candidates; ++t) {
      const double bound = cost[static_cast<std::size_t>(t)] + terms.prior.data_ptr<double>()[t];
      if (bound < least) {
        least = bound;
        last = t;
      }
    }
    bounds_.push_back(least);
    last_.push_back(last);
  }
}

std::vector<std::int64_t> OptimalRespacing::kept(std::int64_t steps) const {
  require(steps >= 1 && steps <= static_cast<std::int64_t>(bounds_.size()),
          "optimal respacing: expected 1 to {} steps, got {}", bounds_.size(), steps);
  std::vector<std::int64_t> kept;
  std::int64_t t = last_[static_cast<std::size_t>(steps - 1)];
  for (auto k = static_cast<std::size_t>(steps); k >= 1; --k) {
    kept.push_back(t);
    t = previous_[k - 1][static_cast<std::size_t>(t)];
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace iddpm
