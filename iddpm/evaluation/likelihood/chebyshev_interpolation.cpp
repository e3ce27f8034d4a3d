#include "iddpm/evaluation/likelihood/chebyshev_interpolation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// [P, F]
Tensor values_at(const std::vector<double>& points, const std::function<Tensor(double)>& f) {
  std::vector<Tensor> values;
  for (const double point : points) values.push_back(f(point));
  return at::stack(values).to(at::kCPU, at::kDouble);
}

// From the least to the greatest, both included.
std::vector<double> chebyshev_points(double least, double greatest, std::int64_t count) {
  std::vector<double> points;
  for (std::int64_t j = 0; j < count; ++j) {
    const double angle = std::numbers::pi * static_cast<double>(j) / static_cast<double>(count - 1);
    points.push_back((least + greatest) / 2.0 - (greatest - least) / 2.0 * std::cos(angle));
  }
  points.front() = least;
  points.back() = greatest;
  return points;
}

// What each node's value counts at each point, [P, nodes].
Tensor barycentric_weights(const std::vector<double>& points, const std::vector<double>& nodes) {
  const auto count = static_cast<std::int64_t>(nodes.size());
  Tensor sign = 1.0 - 2.0 * (at::arange(count, at::kLong) % 2).to(at::kDouble);
  sign[0] *= 0.5;
  sign[count - 1] *= 0.5;
  const Tensor distance = at::tensor(points, at::kDouble).unsqueeze(1) - at::tensor(nodes, at::kDouble).unsqueeze(0);
  const Tensor at_node = distance == 0.0;
  // A point that is a node takes its value.
  const Tensor weights =
      at::where(at_node.any(1, true), at_node.to(at::kDouble), sign / distance.masked_fill(at_node, 1.0));
  return weights / weights.sum(1, true);
}

}  // namespace

Tensor interpolated(const std::vector<double>& points, std::int64_t nodes, const std::function<Tensor(double)>& f) {
  require(!points.empty() && std::all_of(points.begin(), points.end(), [](double x) { return std::isfinite(x); }),
          "interpolation: expected finite points, at least one");
  require(nodes >= 2, "interpolation: expected at least 2 nodes, got {}", nodes);
  if (static_cast<std::int64_t>(points.size()) <= nodes) return values_at(points, f);
  const auto [least, greatest] = std::minmax_element(points.begin(), points.end());
  const std::vector<double> at = chebyshev_points(*least, *greatest, nodes);
  return barycentric_weights(points, at).mm(values_at(at, f));
}

}  // namespace iddpm
