#pragma once

#include "iddpm/core/tensor.h"
#include "iddpm/evaluation/metrics/pairwise_distances.h"

namespace iddpm {

/// Kernel distance KID (Binkowski et al. 2018, arXiv 1801.01401, section 4): the unbiased estimate of the squared
/// maximum mean discrepancy under the kernel (x . y / D + 1)^3, over all pairs of the whole sets rather than the mean
/// over random subsets, which estimates the same with more noise. May be negative. real [N, D], fake [M, D], two images
/// each at least.
double kernel_distance(const Tensor& real, const Tensor& fake, const PairwiseOptions& options = {});

}  // namespace iddpm
