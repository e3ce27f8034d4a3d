#include "iddpm/training/gradient_noise_estimator.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::int64_t most_groups = 8;

double inner_product(const Tensor& a, const Tensor& b) { return (a * b).sum(at::kDouble).item<double>(); }

// The standard error of a mean-like quantity from its values with each group left out (Efron & Stein 1981).
double jackknife_error(const std::vector<GradientNoiseScale>& without, double GradientNoiseScale::*quantity) {
  const auto groups = static_cast<double>(without.size());
  double mean = 0.0, squares = 0.0;
  for (const GradientNoiseScale& estimate : without) mean += estimate.*quantity / groups;
  for (const GradientNoiseScale& estimate : without) squares += std::pow(estimate.*quantity - mean, 2);
  return std::sqrt((groups - 1.0) / groups * squares);
}

}  // namespace

GradientNoiseScale gradient_noise_from_norms(const GradientNorms& norms) {
  const auto& [small, small_norm, big, big_norm] = norms;
  require(small > 0.0 && big > small, "gradient noise scale: expected a small batch and a bigger one, got {} and {}",
          small, big);
  GradientNoiseScale estimate;
  estimate.squared_gradient = (big * big_norm - small * small_norm) / (big - small);
  estimate.covariance_trace = (small_norm - big_norm) / (1.0 / small - 1.0 / big);
  estimate.noise_scale = estimate.covariance_trace / estimate.squared_gradient;
  return estimate;
}

GradientNoiseEstimator::GradientNoiseEstimator(std::int64_t batches, std::int64_t batch)
    : batches_(batches), batch_(batch) {
  require(batches >= 2, "gradient noise scale: expected at least 2 batches, got {}", batches);
  require(batch >= 1, "gradient noise scale: expected batches of at least 1 example, got {}", batch);
  const auto groups = static_cast<std::size_t>(std::min(batches, most_groups));
  sums_.resize(groups);
  squared_norms_.resize(groups);
  counts_.resize(groups);
}

void GradientNoiseEstimator::add(const Tensor& gradient) {
  const at::NoGradGuard no_gradients;
  require(added_ < batches_, "gradient noise scale: {} gradients were expected, and there is one more", batches_);
  require(gradient.dim() == 1, "gradient noise scale: expected a gradient in a row, got one of shape {}",
          format_shape(gradient.sizes()));
  const Tensor& first = sums_.front();
  require(!first.defined() || first.sizes() == gradient.sizes(),
          "gradient noise scale: expected a gradient of {} numbers as before, got {}",
          first.defined() ? first.size(0) : 0, gradient.size(0));
  const double squared_norm = inner_product(gradient, gradient);
  require(std::isfinite(squared_norm),
          "gradient noise scale: expected a finite gradient of batch {}, got one of norm {}", added_,
          std::sqrt(squared_norm));
  const auto group = static_cast<std::size_t>(added_) % sums_.size();
  if (sums_[group].defined()) {
    sums_[group].add_(gradient);
  } else {
    sums_[group] = gradient.detach().clone();
  }
  squared_norms_[group] += squared_norm;
  ++counts_[group];
  ++added_;
}

GradientNoiseScale GradientNoiseEstimator::estimate() const {
  require(added_ == batches_, "gradient noise scale: expected {} gradients, got {} so far", batches_, added_);
  const at::NoGradGuard no_gradients;
  Tensor total = at::zeros_like(sums_.front());
  for (const Tensor& sum : sums_) total.add_(sum);
  const double all_squared_norms = std::accumulate(squared_norms_.begin(), squared_norms_.end(), 0.0);
  // The estimate from `batches` of them, given the sums of their squared norms and of themselves.
  const auto estimate_of = [&](std::int64_t batches, double squared_norms, const Tensor& sum) {
    const auto count = static_cast<double>(batches), size = static_cast<double>(batch_);
    return gradient_noise_from_norms({.small_batch = size,
                                      .small_squared_norm = squared_norms / count,
                                      .big_batch = size * count,
                                      .big_squared_norm = inner_product(sum, sum) / (count * count)});
  };
  GradientNoiseScale result = estimate_of(batches_, all_squared_norms, total);
  result.batches = batches_;
  result.batch = batch_;
  // With one group left out at least two batches must remain.
  if (batches_ > 2) {
    std::vector<GradientNoiseScale> without;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      without.push_back(estimate_of(batches_ - counts_[i], all_squared_norms - squared_norms_[i], total - sums_[i]));
    }
    result.squared_gradient_error = jackknife_error(without, &GradientNoiseScale::squared_gradient);
    result.covariance_trace_error = jackknife_error(without, &GradientNoiseScale::covariance_trace);
    result.noise_scale_error = jackknife_error(without, &GradientNoiseScale::noise_scale);
  }
  return result;
}

}  // namespace iddpm
