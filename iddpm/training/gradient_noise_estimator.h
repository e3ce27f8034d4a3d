#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// How noisy a gradient is (McCandlish et al. 2018, arXiv 1812.06162). Each error is a standard error, estimated by a
/// jackknife over groups of batches.
struct GradientNoiseScale {
  double squared_gradient = 0;  ///< |G|^2 of the true gradient G; may come out below 0 where it is lost in noise
  double squared_gradient_error = 0;
  double covariance_trace = 0;  ///< tr(Sigma), Sigma the covariance of the gradient of one example
  double covariance_trace_error = 0;
  double noise_scale = 0;  ///< B = tr(Sigma) / |G|^2, in examples (eq. 2.9)
  double noise_scale_error = 0;
  std::int64_t batches = 0;
  std::int64_t batch = 0;  ///< examples in each
};

/// Squared norms of gradients averaged over a small and a big number of examples; of the small one a mean over batches.
struct GradientNorms {
  double small_batch = 0;
  double small_squared_norm = 0;
  double big_batch = 0;
  double big_squared_norm = 0;
};

/// Unbiased estimates of |G|^2 and tr(Sigma), and their ratio (appendix A.1), without errors. Throws Error unless 0 <
/// small_batch < big_batch.
GradientNoiseScale gradient_noise_from_norms(const GradientNorms& norms);

/// Gathers the gradients of batches of independent examples: a batch's own is the small one, the mean of all the big
/// one. Keeps at most 8 sums of gradients, whatever the number of batches.
class GradientNoiseEstimator {
 public:
  /// Throws Error unless there are at least 2 batches of at least 1 example.
  GradientNoiseEstimator(std::int64_t batches, std::int64_t batch);

  /// The mean gradient of the next batch's examples, all parameters in a row, [P] (float32 or float64). Throws Error if
  /// it has another length than those before, isn't finite, or is one too many.
  void add(const Tensor& gradient);
  /// Throws Error before the last batch.
  GradientNoiseScale estimate() const;

 private:
  std::int64_t batches_;
  std::int64_t batch_;
  std::int64_t added_ = 0;
  std::vector<Tensor> sums_;           ///< of the gradients of each group of batches
  std::vector<double> squared_norms_;  ///< sums over each group
  std::vector<std::int64_t> counts_;   ///< batches in each group
};

}  // namespace iddpm
