#include "iddpm/evaluation/metrics/precision_recall.h"

#include <array>
#include <utility>

#include "iddpm/evaluation/metrics/nearest_neighbours.h"

namespace iddpm {

PrecisionRecallCounter::PrecisionRecallCounter(Tensor squared_real_radii, Tensor squared_fake_radii)
    : real_radii_(std::move(squared_real_radii)),
      fake_radii_(std::move(squared_fake_radii)),
      real_covered_(at::zeros_like(real_radii_, at::kBool)),
      fake_covered_(at::zeros_like(fake_radii_, at::kBool)) {}

void PrecisionRecallCounter::add(std::int64_t row, std::int64_t column, const Tensor& squared) {
  const std::int64_t row_end = row + squared.size(0);
  const std::int64_t column_end = column + squared.size(1);
  fake_covered_.slice(0, column, column_end)
      .logical_or_((squared <= real_radii_.slice(0, row, row_end).unsqueeze(1)).any(0));
  real_covered_.slice(0, row, row_end)
      .logical_or_((squared <= fake_radii_.slice(0, column, column_end).unsqueeze(0)).any(1));
}

PrecisionRecall PrecisionRecallCounter::result() const {
  return {.precision = fake_covered_.to(at::kDouble).mean().item<double>(),
          .recall = real_covered_.to(at::kDouble).mean().item<double>()};
}

PrecisionRecall precision_recall(const Tensor& real, const Tensor& fake, const NeighbourOptions& options) {
  const std::array k = {options.k};
  const Tensor real_radii = squared_neighbour_radii(real, k, options.pairs);
  const Tensor fake_radii = squared_neighbour_radii(fake, k, options.pairs);
  PrecisionRecallCounter counter(real_radii[0], fake_radii[0]);
  for_each_distance_block(
      real, fake, real_radii, fake_radii, options.pairs,
      [&](std::int64_t row, std::int64_t column, const Tensor& squared) { counter.add(row, column, squared); });
  return counter.result();
}

}  // namespace iddpm
