#pragma once

#include <cstdint>
#include <span>

#include "iddpm/core/tensor.h"
#include "iddpm/evaluation/metrics/pairwise_distances.h"

namespace iddpm {

/// The squared distance from each row of features [N, D] to its k-th nearest other row, for each k given: [K, N]
/// float64. They are exact: float32 products only tell which rows come into question. Throws Error unless every k is in
/// 1 .. N - 1.
Tensor squared_neighbour_radii(const Tensor& features, std::span<const std::int64_t> k,
                               const PairwiseOptions& options = {});

}  // namespace iddpm
