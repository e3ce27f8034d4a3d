#include "iddpm/training/gradient.h"

#include <vector>

namespace iddpm {

double gradient_norm(const NamedParameters& parameters) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> norms;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().norm().to(at::kDouble));
  }
  return norms.empty() ? 0.0 : at::stack(norms).norm().item<double>();
}

double clipping_factor(double norm, double largest) { return largest > 0 && norm > largest ? largest / norm : 1.0; }

GradientScope::~GradientScope() {
  for (const auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

}  // namespace iddpm
