#include "iddpm/evaluation/metrics/frechet_extrapolation.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"

namespace iddpm {
namespace {

// Of the line through points by least squares.
double intercept(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, covariance = 0, variance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / count;
    mean_y += y[i] / count;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    covariance += (x[i] - mean_x) * (y[i] - mean_y);
    variance += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return mean_y - covariance / variance * mean_x;
}

}  // namespace

std::optional<double> extrapolated_frechet_distance(const FeatureMoments& real, const Tensor& fake,
                                                    std::int64_t most_parts) {
  require(most_parts >= 2, "Frechet distance: expected at least 2 parts to extrapolate from, got {}", most_parts);
  require(fake.dim() == 2, "Frechet distance: expected features [N, D], got {}", format_shape(fake.sizes()));
  const std::int64_t count = fake.size(0);
  const std::int64_t parts = std::min(most_parts, count / 2);
  if (parts < 2) return std::nullopt;
  const Tensor order = at::tensor(permutation(RandomStream(0, StreamPurpose::evaluation), count), at::kLong);
  const Tensor shuffled = fake.index_select(0, order.to(fake.device()));
  std::vector<double> inverse_sizes, distances;
  for (std::int64_t k = 1; k <= parts; ++k) {
    const std::int64_t size = count / k;
    double mean = 0;
    for (std::int64_t i = 0; i < k; ++i) {
      mean += frechet_distance(real, feature_moments(shuffled.narrow(0, i * size, size))) / static_cast<double>(k);
    }
    inverse_sizes.push_back(1.0 / static_cast<double>(size));
    distances.push_back(mean);
  }
  return intercept(inverse_sizes, distances);
}

}  // namespace iddpm
