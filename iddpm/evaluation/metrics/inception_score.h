#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"

namespace iddpm {

struct InceptionScore {
  double mean = 0.0;
  double standard_deviation = 0.0;  ///< over the splits; 0 with one
  std::int64_t splits = 1;
};

/// exp(E_x KL(p(y | x) || p(y))) (Salimans et al. 2016, arXiv 1606.03498, section 4), with p(y) the mean over the
/// images of each of `splits` consecutive, equal parts. probabilities [N, classes], rows summing to 1; computed in
/// float64. Throws Error if there are fewer images than splits or a row is no distribution.
InceptionScore inception_score(const Tensor& probabilities, std::int64_t splits = 1);

}  // namespace iddpm
