#include "iddpm/nn/parameter_store.h"

#include "iddpm/core/error.h"

namespace iddpm {

ParameterStore ParameterStore::shapes_only() { return ParameterStore(); }

Tensor ParameterStore::made(const std::string& name, at::IntArrayRef shape,
                            const Initialisation& initialisation) const {
  if (given_) return given_->at(name).detach().to(at::kCPU, at::kFloat).contiguous();
  Tensor parameter = at::empty(shape, at::TensorOptions(at::kFloat).device(seed_ ? at::kCPU : at::kMeta));
  if (seed_) initialise(parameter, initialisation, *seed_, parameters_.size());
  return parameter;
}

Tensor ParameterStore::add(std::string name, at::IntArrayRef shape, const Initialisation& initialisation) {
  Tensor parameter = made(name, shape, initialisation);
  parameter.set_requires_grad(true);
  parameters_.emplace_back(std::move(name), parameter);
  return parameter;
}

ParameterScope ParameterScope::operator/(const std::string& name) const {
  ParameterScope inner = *this;
  inner.prefix_ += name + ".";
  return inner;
}

Tensor ParameterScope::add(const std::string& name, at::IntArrayRef shape, const Initialisation& initialisation) const {
  return store_->add(prefix_ + name, shape, initialisation);
}

std::vector<Tensor> ParameterScope::parameters() const {
  std::vector<Tensor> mine;
  for (const auto& [name, parameter] : store_->parameters()) {
    if (name.starts_with(prefix_)) mine.push_back(parameter);
  }
  return mine;
}

NamedShapes shapes(const NamedParameters& parameters) {
  constexpr std::int64_t most_scalars = std::int64_t{1} << 33;
  std::int64_t scalars = 0;
  NamedShapes shapes;
  for (const auto& [name, parameter] : parameters) {
    scalars += parameter.numel();
    shapes.emplace_back(name, parameter.sizes().vec());
  }
  require(scalars <= most_scalars, "The network's options ask for {} parameters; expected at most {}.", scalars,
          most_scalars);
  return shapes;
}

at::ScalarType parameter_type(const NamedParameters& parameters) { return parameters.front().second.scalar_type(); }

at::ScalarType parameter_type_for(at::ScalarType compute_type) {
  require(compute_type == at::kFloat || compute_type == at::kBFloat16 || compute_type == at::kDouble,
          "The network's compute type is {}; expected Float, BFloat16 or Double.", c10::toString(compute_type));
  return compute_type == at::kDouble ? at::kDouble : at::kFloat;
}

void move_parameters(const NamedParameters& parameters, at::ScalarType type, at::Device device) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.scalar_type() == type && parameter.device() == device) continue;
    Tensor handle = parameter;
    handle.mutable_grad() = Tensor();
    handle.set_data(parameter.detach().to(device, type));
  }
}

}  // namespace iddpm
