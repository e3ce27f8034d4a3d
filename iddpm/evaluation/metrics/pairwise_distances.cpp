#include "iddpm/evaluation/metrics/pairwise_distances.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Products and norms are computed in float32 or float64.
Tensor as_features(const Tensor& x) {
  require(x.dim() == 2 && x.size(0) > 0, "pairwise distances: expected features [N, D] of at least one image, got {}",
          format_shape(x.sizes()));
  const Tensor features = x.detach().to(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat).contiguous();
  require(features.isfinite().all().item<bool>(), "pairwise distances: expected finite features, got infinite or NaN");
  return features;
}

Tensor block_of(const Tensor& x, std::int64_t first, std::int64_t size) {
  return x.slice(0, first, std::min(first + size, x.size(0)));
}

}  // namespace

std::int64_t block_count(std::int64_t count, const PairwiseOptions& options) {
  require(options.block >= 1, "pairwise distances: expected blocks of at least 1 image, got {}", options.block);
  return (count + options.block - 1) / options.block;
}

Tensor inner_products(const Tensor& a, const Tensor& b) {
  if (a.scalar_type() != at::kFloat || !a.is_cpu()) return a.mm(b.t());
  // As a 1 x 1 convolution: LibTorch gives those to oneDNN, but products to whatever BLAS is installed, and the
  // reference BLAS of a plain Debian is some thirty times slower.
  const Tensor weight = a.contiguous().view({a.size(0), a.size(1), 1, 1});
  const Tensor x = b.t().contiguous().view({1, b.size(1), 1, b.size(0)});
  return at::conv2d(x, weight).view({a.size(0), b.size(0)});
}

Tensor exact_squared_distances(const Tensor& a, const Tensor& i, const Tensor& b, const Tensor& j) {
  const std::int64_t pairs = i.size(0);
  const std::int64_t piece = std::max<std::int64_t>((std::int64_t{1} << 22) / a.size(1), 1);
  const Tensor result = at::empty({pairs}, a.options().dtype(at::kDouble));
  for (std::int64_t first = 0; first < pairs; first += piece) {
    const Tensor from = a.index_select(0, block_of(i, first, piece)).to(at::kDouble);
    const Tensor to = b.index_select(0, block_of(j, first, piece)).to(at::kDouble);
    block_of(result, first, piece).copy_((from - to).square().sum(1));
  }
  return result;
}

PairwiseDistances::PairwiseDistances(const Tensor& a, const Tensor& b) : a_(as_features(a)), b_(as_features(b)) {
  require(a_.size(1) == b_.size(1) && a_.scalar_type() == b_.scalar_type(),
          "pairwise distances: expected two sets of features of one dimension and type, got {} {} and {} {}",
          at::toString(a_.scalar_type()), format_shape(a_.sizes()), at::toString(b_.scalar_type()),
          format_shape(b_.sizes()));
  centre_ = (a_.mean(0, true) + b_.mean(0, true)) * 0.5;
  // A product of D terms is off by D u |x| |y| <= D u (|x|^2 + |y|^2) / 2 at most, u = epsilon / 2 (Higham 2002,
  // section 3.1); a few u more for the rounding of what goes in. Twice that.
  const double epsilon =
      a_.scalar_type() == at::kDouble ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  relative_bound_ = static_cast<double>(a_.size(1) + 8) * epsilon;
}

PairwiseDistances::Block PairwiseDistances::block(std::int64_t row, std::int64_t column, std::int64_t size) const {
  const Tensor x = block_of(a_, row, size) - centre_;
  const Tensor y = block_of(b_, column, size) - centre_;
  const Tensor norms = x.to(at::kDouble).square().sum(1).unsqueeze(1) + y.to(at::kDouble).square().sum(1).unsqueeze(0);
  return {.squared = norms - inner_products(x, y).to(at::kDouble) * 2.0, .bound = norms * relative_bound_};
}

void for_each_distance_block(const Tensor& a, const Tensor& b, const Tensor& row_thresholds,
                             const Tensor& column_thresholds, const PairwiseOptions& options,
                             const std::function<void(std::int64_t, std::int64_t, const Tensor&)>& visit) {
  const PairwiseDistances distances(a, b);
  const std::int64_t size = options.block;
  const std::int64_t total = block_count(a.size(0), options) * block_count(b.size(0), options);
  std::int64_t done = 0;
  for (std::int64_t row = 0; row < a.size(0); row += size) {
    for (std::int64_t column = 0; column < b.size(0); column += size) {
      auto [squared, bound] = distances.block(row, column, size);
      Tensor unclear = at::zeros_like(squared, at::kBool);
      for (const Tensor& threshold : row_thresholds.unbind()) {
        unclear.logical_or_((squared - block_of(threshold, row, size).unsqueeze(1)).abs_() <= bound);
      }
      for (const Tensor& threshold : column_thresholds.unbind()) {
        unclear.logical_or_((squared - block_of(threshold, column, size).unsqueeze(0)).abs_() <= bound);
      }
      const Tensor pairs = at::nonzero(unclear);
      const Tensor i = pairs.select(1, 0);
      const Tensor j = pairs.select(1, 1);
      squared.index_put_({i, j}, exact_squared_distances(distances.a(), i + row, distances.b(), j + column));
      visit(row, column, squared);
      if (options.progress) options.progress(++done, total);
    }
  }
}

}  // namespace iddpm
