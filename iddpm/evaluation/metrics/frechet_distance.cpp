#include "iddpm/evaluation/metrics/frechet_distance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// F [D, r] with F F^T = C and r the numerical rank of C: the Cholesky factor, which is cheap, or if C is singular its
// eigenvectors times the roots of their eigenvalues. Eigenvalues at the level of rounding are no information, but their
// roots would not be small: they are left out.
Tensor factor(const Tensor& covariance) {
  const double rounding = std::numeric_limits<double>::epsilon() * static_cast<double>(covariance.size(0));
  const auto [triangle, failed] = at::linalg_cholesky_ex(covariance);
  const Tensor pivots = triangle.diagonal().square();
  if (failed.item<int>() == 0 && pivots.min().item<double>() > rounding * pivots.max().item<double>()) return triangle;

  const auto [values, vectors] = at::linalg_eigh(covariance);
  const Tensor kept = at::nonzero(values > rounding * std::max(values.max().item<double>(), 0.0)).squeeze(1);
  return vectors.index_select(1, kept) * values.index_select(0, kept).sqrt();
}

}  // namespace

void FeatureStatistics::add(const Tensor& features) {
  require(features.dim() == 2, "feature statistics: expected features [N, D], got {}", format_shape(features.sizes()));
  const Tensor x = features.detach().to(at::kDouble);
  require(x.isfinite().all().item<bool>(), "feature statistics: expected finite features, got infinite or NaN values");
  const std::int64_t added = x.size(0);
  if (added == 0) return;
  if (count_ == 0) {
    mean_ = at::zeros({x.size(1)}, x.options());
    scatter_ = at::zeros({x.size(1), x.size(1)}, x.options());
  }
  require(x.size(1) == mean_.size(0), "feature statistics: expected {} features per image as before, got {}",
          mean_.size(0), x.size(1));

  const Tensor mean = x.mean(0);
  const Tensor shift = mean - mean_;
  const double total = static_cast<double>(count_ + added);
  // The shift of the mean enters as one more deviation, so that everything is one product. Not in place: copies share.
  const double weight = static_cast<double>(count_) * static_cast<double>(added) / total;
  const Tensor deviations = at::cat({x - mean, shift.unsqueeze(0) * std::sqrt(weight)});
  scatter_ = scatter_.addmm(deviations.t(), deviations);
  mean_ = mean_ + shift * (static_cast<double>(added) / total);
  count_ += added;
}

FeatureMoments FeatureStatistics::moments() const {
  require(count_ >= 2, "feature statistics: a covariance needs at least 2 images, got {}", count_);
  return {.count = count_, .mean = mean_, .covariance = scatter_ / static_cast<double>(count_ - 1)};
}

FeatureMoments feature_moments(const Tensor& features) {
  FeatureStatistics statistics;
  statistics.add(features);
  return statistics.moments();
}

double frechet_distance(const FeatureMoments& a, const FeatureMoments& b) {
  require(a.dimensions() == b.dimensions(),
          "Frechet distance: expected two sets of features of the same dimension, got {} and {}", a.dimensions(),
          b.dimensions());
  const Tensor mean_a = a.mean.to(at::kDouble);
  const Tensor covariance_a = a.covariance.to(at::kDouble);
  const Tensor mean_b = b.mean.to(mean_a.options());
  const Tensor covariance_b = b.covariance.to(mean_a.options());

  // tr (C_1 C_2)^(1/2) is the sum of the singular values of F_1^T F_2, C_i = F_i F_i^T: their squares are the
  // eigenvalues of C_1 C_2. Found so, small ones keep the precision that eigenvalues of the product would lose in the
  // root, and few samples make small factors.
  const Tensor singular_values = at::linalg_svdvals(factor(covariance_a).t().contiguous().mm(factor(covariance_b)));
  const double means = (mean_a - mean_b).square().sum().item<double>();
  const double traces = (covariance_a.trace() + covariance_b.trace()).item<double>();
  return means + std::max(traces - 2.0 * singular_values.sum().item<double>(), 0.0);
}

}  // namespace iddpm
