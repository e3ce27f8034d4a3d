#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/initialisation.h"
#include "iddpm/nn/module.h"

namespace iddpm {

/// Makes a network's parameters, one after another, and remembers them under their names.
class ParameterStore {
 public:
  /// Parameters in float32 on the CPU, each drawn from its own stream of `seed`.
  explicit ParameterStore(std::uint64_t seed) : seed_(seed) {}
  /// Parameters that are there: each is found by its name and is taken over, in float32 on the CPU, not copied where it
  /// is that already. They must fit (`check_parameters`).
  explicit ParameterStore(const NamedParameters& given) : given_(std::in_place, given.begin(), given.end()) {}
  /// Parameters that have a shape and nothing else: no memory is allocated for them.
  static ParameterStore shapes_only();

  Tensor add(std::string name, at::IntArrayRef shape, const Initialisation& initialisation);

  const NamedParameters& parameters() const { return parameters_; }

 private:
  ParameterStore() = default;

  Tensor made(const std::string& name, at::IntArrayRef shape, const Initialisation& initialisation) const;

  std::optional<std::uint64_t> seed_;
  std::optional<std::map<std::string, Tensor>> given_;
  NamedParameters parameters_;
};

/// A place in a store's tree of names: `scope / "middle_block" / "0"` is where names begin with "middle_block.0.".
class ParameterScope {
 public:
  explicit ParameterScope(ParameterStore& store) : store_(&store) {}

  ParameterScope operator/(const std::string& name) const;
  ParameterScope operator/(std::size_t index) const { return *this / std::to_string(index); }

  Tensor add(const std::string& name, at::IntArrayRef shape, const Initialisation& initialisation) const;
  /// Those made in this scope so far.
  std::vector<Tensor> parameters() const;

 private:
  ParameterStore* store_;
  std::string prefix_;
};

/// Shapes alone. Throws Error if they hold more scalars than any machine of today trains (2^33).
NamedShapes shapes(const NamedParameters& parameters);

/// The parameters' common type.
at::ScalarType parameter_type(const NamedParameters& parameters);

/// The parameters' type for activations of a compute type: float64 for float64, float32 for float32 and bfloat16.
/// Throws Error for others.
at::ScalarType parameter_type_for(at::ScalarType compute_type);

/// Changes the parameters' type and device in place, for all who hold them; gradients are dropped where that changes
/// anything.
void move_parameters(const NamedParameters& parameters, at::ScalarType type, at::Device device);

}  // namespace iddpm
