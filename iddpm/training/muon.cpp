#include "iddpm/training/muon.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {

bool is_for_muon(const std::string& name, const Tensor& parameter) {
  return parameter.dim() >= 2 && name != "input_blocks.0.0.weight" && name != "out.2.weight" &&
         name != "label_emb.weight";
}

Tensor orthogonalised(const Tensor& matrix) {
  require(matrix.dim() == 2, "orthogonalised: expected a matrix, got shape {}", format_shape(matrix.sizes()));
  constexpr int iterations = 5;
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = matrix.size(0) > matrix.size(1);
  Tensor x = tall ? matrix.t() : matrix;
  x = x / (x.norm() + 1e-20);
  for (int i = 0; i < iterations; ++i) {
    const Tensor square = at::matmul(x, x.t());
    const Tensor polynomial = at::addmm(square, square, square, /*beta=*/b, /*alpha=*/c);
    x = at::addmm(x, polynomial, x, /*beta=*/a, /*alpha=*/1.0);
  }
  return tall ? x.t() : x;
}

void muon_step(Tensor& parameter, const Tensor& gradient, Tensor& momentum, std::span<kernels::EmaTarget> averages,
               const MuonStep& options) {
  const at::NoGradGuard no_grad;
  const Tensor g = gradient.to(momentum.scalar_type()) * options.gradient_factor;
  momentum.lerp_(g, 1.0 - options.momentum);
  const Tensor direction = g.lerp(momentum, options.momentum).reshape({parameter.size(0), -1});
  const auto longer = static_cast<double>(std::max(direction.size(0), direction.size(1)));
  parameter.mul_(1.0 - options.learning_rate * options.weight_decay);
  parameter.add_(orthogonalised(direction).reshape(parameter.sizes()),
                 -options.learning_rate * 0.2 * std::sqrt(longer));
  for (kernels::EmaTarget& target : averages) target.average.lerp_(parameter, 1.0 - target.rate);
}

}  // namespace iddpm
