#include "iddpm/nn/module.h"

#include <map>
#include <set>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

std::map<std::string, Tensor> by_name(const NamedParameters& source, const std::string& where) {
  std::map<std::string, Tensor> values;
  for (const auto& [name, value] : source) {
    require(values.emplace(name, value).second, "{}: parameter '{}' is given twice; expected once.", where, name);
  }
  return values;
}

}  // namespace

void check_parameters(const NamedParameters& parameters, const NamedParameters& source, const std::string& where) {
  const std::map<std::string, Tensor> values = by_name(source, where);
  std::set<std::string> known;
  for (const auto& [name, parameter] : parameters) {
    known.insert(name);
    const auto found = values.find(name);
    require(found != values.end() && found->second.defined(), "{}: parameter '{}' is missing; expected shape {}.",
            where, name, format_shape(parameter.sizes()));
    const Tensor& value = found->second;
    require(value.sizes() == parameter.sizes(), "{}: parameter '{}' has shape {}; expected {}.", where, name,
            format_shape(value.sizes()), format_shape(parameter.sizes()));
    require(at::isFloatingType(value.scalar_type()), "{}: parameter '{}' has type {}; expected floating-point numbers.",
            where, name, c10::toString(value.scalar_type()));
  }
  for (const auto& [name, value] : source) {
    require(known.contains(name), "{}: parameter '{}' is unknown to this network.", where, name);
  }
}

void load_parameters(const NamedParameters& parameters, const NamedParameters& source, const std::string& where) {
  check_parameters(parameters, source, where);
  const std::map<std::string, Tensor> values = by_name(source, where);
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters) parameter.copy_(values.at(name));
}

std::int64_t count(const NamedParameters& parameters) {
  std::int64_t scalars = 0;
  for (const auto& [name, parameter] : parameters) scalars += parameter.numel();
  return scalars;
}

std::int64_t count(const NamedShapes& shapes) {
  std::int64_t scalars = 0;
  for (const auto& [name, shape] : shapes) scalars += c10::multiply_integers(shape);
  return scalars;
}

}  // namespace iddpm
