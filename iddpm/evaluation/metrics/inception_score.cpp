#include "iddpm/evaluation/metrics/inception_score.h"

#include <cmath>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {

InceptionScore inception_score(const Tensor& probabilities, std::int64_t splits) {
  require(probabilities.dim() == 2, "Inception score: expected probabilities [N, classes], got {}",
          format_shape(probabilities.sizes()));
  require(splits >= 1 && probabilities.size(0) >= splits,
          "Inception score: expected between 1 and {} splits, one image each at least, got {}", probabilities.size(0),
          splits);
  const Tensor p = probabilities.to(at::kDouble);
  require((p >= 0.0).all().item<bool>() && ((p.sum(1) - 1.0).abs() < 1e-3).all().item<bool>(),
          "Inception score: expected probabilities that are not negative and sum to 1 for each image");

  std::vector<double> scores;
  for (const Tensor& part : p.tensor_split(splits)) {
    const Tensor marginal = part.mean(0, /*keepdim=*/true);
    // xlogy is 0 at 0, where a class is never predicted.
    const Tensor divergence = at::xlogy(part, part) - at::xlogy(part, marginal);
    scores.push_back(std::exp(divergence.sum(1).mean().item<double>()));
  }
  InceptionScore score{.splits = splits};
  for (const double value : scores) score.mean += value / static_cast<double>(splits);
  for (const double value : scores) {
    score.standard_deviation += (value - score.mean) * (value - score.mean) / static_cast<double>(splits);
  }
  score.standard_deviation = std::sqrt(score.standard_deviation);
  return score;
}

}  // namespace iddpm
