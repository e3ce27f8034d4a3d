#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"
#include "iddpm/evaluation/metrics/pairwise_distances.h"

namespace iddpm {

struct PrecisionRecall {
  double precision = 0.0;  ///< share of the fake images that lie in the manifold of the real ones
  double recall = 0.0;     ///< share of the real images that lie in the manifold of the fake ones
};

struct NeighbourOptions {
  std::int64_t k = 3;  ///< 3 as Kynkäänniemi et al. and OpenAI's evaluator; the paper (arXiv 2102.09672) takes 5
  PairwiseOptions pairs = {};
};

/// Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2). A set's manifold is the
/// union of the closed balls around each image that reach to its k-th nearest neighbour in the set. real [N, D], fake
/// [M, D].
PrecisionRecall precision_recall(const Tensor& real, const Tensor& fake, const NeighbourOptions& options = {});

/// The same from blocks of distances, for those who want other figures from them in one go.
class PrecisionRecallCounter {
 public:
  /// Squared radii of the balls of the real [N] and the fake [M] images.
  PrecisionRecallCounter(Tensor squared_real_radii, Tensor squared_fake_radii);
  /// Squared distances [rows, columns] of real images row .. to fake images column ..
  void add(std::int64_t row, std::int64_t column, const Tensor& squared);
  PrecisionRecall result() const;

 private:
  Tensor real_radii_;
  Tensor fake_radii_;
  Tensor real_covered_;  // [N] bool: in some fake image's ball
  Tensor fake_covered_;  // [M] bool: in some real image's ball
};

}  // namespace iddpm
