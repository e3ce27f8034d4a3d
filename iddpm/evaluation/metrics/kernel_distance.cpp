#include "iddpm/evaluation/metrics/kernel_distance.h"

#include <algorithm>
#include <utility>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

Tensor cubic_kernel(const Tensor& products, double dimensions) { return (products / dimensions + 1.0).pow(3); }

// Sums the kernel over all pairs of rows of x and y, block by block.
class KernelSum {
 public:
  KernelSum(Tensor centre, const PairwiseOptions& options, std::int64_t total)
      : centre_(std::move(centre)), options_(options), total_(total) {}

  double over_pairs(const Tensor& x, const Tensor& y) {
    double sum = 0.0;
    for (std::int64_t row = 0; row < x.size(0); row += options_.block) {
      for (std::int64_t column = 0; column < y.size(0); column += options_.block) {
        sum += block_sum(rows(x, row), rows(y, column));
      }
    }
    return sum;
  }

  // Over pairs of two different rows of x.
  double over_distinct_pairs(const Tensor& x) {
    double sum = 0.0;
    for (std::int64_t row = 0; row < x.size(0); row += options_.block) {
      for (std::int64_t column = row; column < x.size(0); column += options_.block) {
        sum += block_sum(rows(x, row), rows(x, column)) * (column == row ? 1.0 : 2.0);
      }
      const Tensor squares = rows(x, row).to(at::kDouble).square().sum(1);
      sum -= cubic_kernel(squares, static_cast<double>(x.size(1))).sum().item<double>();
    }
    return sum;
  }

 private:
  Tensor rows(const Tensor& x, std::int64_t first) const {
    return x.slice(0, first, std::min(first + options_.block, x.size(0)));
  }

  // x . y = (x - c) . (y - c) + x . c + c . y - c . c: only the first, of shorter vectors with errors of either sign,
  // is computed in the features' own type.
  double block_sum(const Tensor& x, const Tensor& y) {
    const Tensor c = centre_.to(at::kDouble);
    const Tensor x_c = x.to(at::kDouble).matmul(c) - c.dot(c);
    const Tensor y_c = y.to(at::kDouble).matmul(c);
    const Tensor products = inner_products(x - centre_, y - centre_).to(at::kDouble) + x_c.unsqueeze(1) + y_c;
    if (options_.progress) options_.progress(++done_, total_);
    return cubic_kernel(products, static_cast<double>(x.size(1))).sum().item<double>();
  }

  Tensor centre_;  // [D]
  const PairwiseOptions& options_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

}  // namespace

double kernel_distance(const Tensor& real, const Tensor& fake, const PairwiseOptions& options) {
  require(real.dim() == 2 && fake.dim() == 2 && real.size(1) == fake.size(1) && real.size(0) >= 2 && fake.size(0) >= 2,
          "kernel distance: expected features [N, D] and [M, D] of at least 2 images each, got {} and {}",
          format_shape(real.sizes()), format_shape(fake.sizes()));
  const at::ScalarType type = real.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor x = real.detach().to(type);
  const Tensor y = fake.detach().to(x.options());
  const std::int64_t x_blocks = block_count(x.size(0), options);
  const std::int64_t y_blocks = block_count(y.size(0), options);
  KernelSum sum((x.mean(0) + y.mean(0)) * 0.5, options,
                (x_blocks * (x_blocks + 1) + y_blocks * (y_blocks + 1)) / 2 + x_blocks * y_blocks);

  const double n = static_cast<double>(x.size(0));
  const double m = static_cast<double>(y.size(0));
  const double within_real = sum.over_distinct_pairs(x) / (n * (n - 1.0));
  const double within_fake = sum.over_distinct_pairs(y) / (m * (m - 1.0));
  return within_real + within_fake - 2.0 * sum.over_pairs(x, y) / (n * m);
}

}  // namespace iddpm
