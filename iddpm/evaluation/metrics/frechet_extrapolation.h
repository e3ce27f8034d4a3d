#pragma once

#include <cstdint>
#include <optional>

#include "iddpm/evaluation/metrics/frechet_distance.h"

namespace iddpm {

/// The Frechet distance of N samples extrapolated to infinitely many (Chong & Forsyth 2020, arXiv 1911.07023): its bias
/// falls as 1 / N, so it is the intercept of the straight line, by least squares, through the mean distances of
/// disjoint parts of N / k samples, k = 1 .. `most_parts`, over k / N. The samples are shuffled first, always alike, so
/// that their order plays no part. What is left is the bias of the reference's own number, the same for all who are
/// compared with it. Parts should have more samples than features have dimensions; below that the line bends.
/// fake [N, D]; nothing if N is less than 4, of which no two parts have a covariance. May be negative.
std::optional<double> extrapolated_frechet_distance(const FeatureMoments& real, const Tensor& fake,
                                                    std::int64_t most_parts = 5);

}  // namespace iddpm
