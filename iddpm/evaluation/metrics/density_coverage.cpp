#include "iddpm/evaluation/metrics/density_coverage.h"

#include <array>
#include <utility>

#include "iddpm/evaluation/metrics/nearest_neighbours.h"

namespace iddpm {

DensityCoverageCounter::DensityCoverageCounter(Tensor squared_real_radii, std::int64_t fake_count, std::int64_t k)
    : real_radii_(std::move(squared_real_radii)),
      fake_count_(fake_count),
      k_(k),
      fakes_in_ball_(at::zeros_like(real_radii_, at::kLong)) {}

void DensityCoverageCounter::add(std::int64_t row, std::int64_t column, const Tensor& squared) {
  const std::int64_t row_end = row + squared.size(0);
  const Tensor inside = (squared < real_radii_.slice(0, row, row_end).unsqueeze(1)).logical_or_(squared == 0.0);
  fakes_in_ball_.slice(0, row, row_end).add_(inside.sum(1));
}

DensityCoverage DensityCoverageCounter::result() const {
  return {.density = fakes_in_ball_.sum().item<double>() / static_cast<double>(k_ * fake_count_),
          .coverage = (fakes_in_ball_ > 0).to(at::kDouble).mean().item<double>()};
}

DensityCoverage density_coverage(const Tensor& real, const Tensor& fake, const NeighbourOptions& options) {
  const std::array k = {options.k};
  const Tensor radii = squared_neighbour_radii(real, k, options.pairs);
  DensityCoverageCounter counter(radii[0], fake.size(0), options.k);
  const Tensor no_thresholds = at::empty({0, fake.size(0)}, radii.options());
  for_each_distance_block(
      real, fake, radii, no_thresholds, options.pairs,
      [&](std::int64_t row, std::int64_t column, const Tensor& squared) { counter.add(row, column, squared); });
  return counter.result();
}

}  // namespace iddpm
