#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"
#include "iddpm/evaluation/metrics/precision_recall.h"

namespace iddpm {

struct DensityCoverage {
  double density = 0.0;   ///< mean number of real images' balls that a fake image lies in, over k; may exceed 1
  double coverage = 0.0;  ///< share of the real images that have a fake image in their ball
};

/// Density and coverage (Naeem et al. 2020, arXiv 2002.09797, eq. 2 and 3). A real image's ball reaches to its k-th
/// nearest neighbour among the real ones and is open, as in the authors' code (a set compared with itself then has
/// density 1), except that it always holds its own centre: repeated images have balls of radius 0. real [N, D], fake
/// [M, D].
DensityCoverage density_coverage(const Tensor& real, const Tensor& fake, const NeighbourOptions& options = {});

/// The same from blocks of distances, for those who want other figures from them in one go.
class DensityCoverageCounter {
 public:
  /// Squared radii of the balls of the real images [N], the number of fake ones, and the k of the radii.
  DensityCoverageCounter(Tensor squared_real_radii, std::int64_t fake_count, std::int64_t k);
  /// Squared distances [rows, columns] of real images row .. to fake images column ..
  void add(std::int64_t row, std::int64_t column, const Tensor& squared);
  DensityCoverage result() const;

 private:
  Tensor real_radii_;
  std::int64_t fake_count_;
  std::int64_t k_;
  Tensor fakes_in_ball_;  // [N] int64
};

}  // namespace iddpm
