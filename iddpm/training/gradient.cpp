#include "iddpm/training/gradient.h"

namespace iddpm {
namespace {

// A gradient begins at a cache line, as a tensor of its own would.
std::int64_t extent_in_row(const Tensor& parameter) {
  constexpr std::int64_t cache_line = 64;
  const std::int64_t scalars = cache_line / parameter.element_size();
  return (parameter.numel() + scalars - 1) / scalars * scalars;
}

}  // namespace

Tensor gradient_norm(const NamedParameters& parameters) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients.empty() ? at::zeros({}, at::kDouble)
                           : at::stack(at::_foreach_norm(gradients)).to(at::kDouble).norm();
}

double clipping_factor(double norm, double largest) { return largest > 0 && norm > largest ? largest / norm : 1.0; }

GradientBuffer::GradientBuffer(const NamedParameters& parameters) : parameters_(parameters) {
  std::int64_t extent = 0;
  for (const auto& [name, parameter] : parameters_) extent += extent_in_row(parameter);
  row_ = at::zeros({extent}, parameters_.front().second.detach().options());
  std::int64_t begin = 0;
  for (const auto& [name, parameter] : parameters_) {
    places_.push_back(row_.narrow(0, begin, parameter.numel()).view(parameter.sizes()));
    begin += extent_in_row(parameter);
  }
}

void GradientBuffer::start_anew() {
  row_.zero_();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().is_same(places_[i])) parameter.mutable_grad() = places_[i];
  }
}

GradientScope::~GradientScope() {
  for (const auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

}  // namespace iddpm
