#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Mean and covariance of a set of feature vectors.
struct FeatureMoments {
  std::int64_t count = 0;  ///< vectors that they were computed from
  Tensor mean = {};        ///< [D] float64
  Tensor covariance = {};  ///< [D, D] float64, divided by count - 1

  std::int64_t dimensions() const { return mean.size(0); }
};

/// Accumulates the moments of features that arrive in batches, in float64 and without cancellation (Chan, Golub &
/// LeVeque 1983, eq. 2.1): the batches' sizes change nothing but the rounding.
class FeatureStatistics {
 public:
  /// features [N, D] of any floating-point type. Throws Error if D changes or a value is not finite.
  void add(const Tensor& features);
  std::int64_t count() const { return count_; }
  /// Throws Error if fewer than two vectors have been added.
  FeatureMoments moments() const;

 private:
  std::int64_t count_ = 0;
  Tensor mean_ = {};     // [D]
  Tensor scatter_ = {};  // [D, D]: sum of (x - mean) (x - mean)^T
};

/// The moments of a whole set [N, D].
FeatureMoments feature_moments(const Tensor& features);

/// Frechet distance between two Gaussians (Dowson & Landau 1982), squared as in FID (Heusel et al. 2017, arXiv
/// 1706.08500, eq. 6): |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2)). Covariances may be singular, as they are with
/// fewer vectors than dimensions. Throws Error if the dimensions differ.
double frechet_distance(const FeatureMoments& a, const FeatureMoments& b);

}  // namespace iddpm
