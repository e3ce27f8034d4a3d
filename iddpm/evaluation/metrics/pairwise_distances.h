#pragma once

#include <cstdint>
#include <functional>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"

namespace iddpm {

/// How work on all pairs of two sets is cut up. Memory is about a hundred bytes per pair of a block, whatever the sets.
struct PairwiseOptions {
  std::int64_t block = 2048;       ///< images of either set at a time
  ProgressCallback progress = {};  ///< counts pairs of blocks
};

/// The number of blocks that a set of `count` images is cut into. Throws Error unless the block is at least 1.
std::int64_t block_count(std::int64_t count, const PairwiseOptions& options);

/// Products a b^T [N, M] of the rows of a [N, D] and b [M, D], in their own type.
Tensor inner_products(const Tensor& a, const Tensor& b);

/// Squared Euclidean distances of given pairs, row i[p] of a to row j[p] of b: [P], from differences in float64. The
/// same for a pair and its reverse, and whatever other pairs are asked for.
Tensor exact_squared_distances(const Tensor& a, const Tensor& i, const Tensor& b, const Tensor& j);

/// All squared Euclidean distances between the rows of two sets of features, one block at a time. They come from matrix
/// products in the features' own type and so are off by rounding, by `bound` at most.
class PairwiseDistances {
 public:
  /// a [N, D], b [M, D]. Throws Error if the shapes don't fit or a value is not finite.
  PairwiseDistances(const Tensor& a, const Tensor& b);

  struct Block {
    Tensor squared;  ///< [rows, columns] float64
    Tensor bound;    ///< [rows, columns] float64, of the absolute error
  };
  /// Rows row .. row + size - 1 of a, columns alike of b; fewer at the ends.
  Block block(std::int64_t row, std::int64_t column, std::int64_t size) const;

  const Tensor& a() const { return a_; }
  const Tensor& b() const { return b_; }

 private:
  Tensor a_;
  Tensor b_;
  Tensor centre_;  // [1, D], subtracted from both: shorter vectors cancel less
  double relative_bound_;
};

/// Visits all pairs of rows of a [N, D] and b [M, D], a block at a time: visit(row, column, squared distances [rows,
/// columns] float64). A distance too near one of its row's thresholds [K, N] or its column's [K, M] to be told apart
/// from it is replaced by the exact one, so that comparisons with the thresholds are those of exact distances.
void for_each_distance_block(
    const Tensor& a, const Tensor& b, const Tensor& row_thresholds, const Tensor& column_thresholds,
    const PairwiseOptions& options,
    const std::function<void(std::int64_t row, std::int64_t column, const Tensor& squared)>& visit);

}  // namespace iddpm
