#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm {

/// A diagonal Gaussian, broadcastable to the image it describes.
struct Gaussian {
  Tensor mean;
  Tensor variance;
  Tensor log_variance;
};

/// KL(N(mean_1, exp(log_variance_1)) || N(mean_2, exp(log_variance_2))) per element, in nats.
Tensor gaussian_kl(const Tensor& mean_1, const Tensor& log_variance_1, const Tensor& mean_2,
                   const Tensor& log_variance_2);

/// log-likelihood, in nats per element, of the 8-bit value nearest to x (x = value / 127.5 - 1) under N(mean, exp(2 *
/// log_scale)): the Gaussian's mass on the value's bin, the outermost bins reaching to infinity (Ho et al. 2020, arXiv
/// 2006.11239, eq. 13). As in the published implementations, the distribution function is a tanh approximation and
/// probabilities are at least 1e-12.
Tensor discretized_gaussian_log_likelihood(const Tensor& x, const Tensor& mean, const Tensor& log_scale);

/// Mean over all dimensions but the first: [N, ...] -> [N].
Tensor mean_per_image(const Tensor& x);

}  // namespace iddpm
