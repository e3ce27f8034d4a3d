#include "experiments/baselines/dcgan/dcgan_state.h"

#include <utility>

namespace iddpm::baselines {
namespace {

constexpr const char* generator_prefix = "generator";
constexpr const char* discriminator_prefix = "discriminator";

// Before anything is made from the options.
const DcganOptions& checked(const DcganOptions& options) {
  check(options);
  return options;
}

}  // namespace

OptimisedParameters::OptimisedParameters(const NamedParameters& store, const std::string& prefix) {
  for (const auto& [name, parameter] : store) {
    if (!name.starts_with(prefix + ".")) continue;
    parameters.emplace_back(name, parameter);
    exp_avg.push_back(at::zeros_like(parameter.detach()));
    exp_avg_sq.push_back(at::zeros_like(parameter.detach()));
  }
}

Dcgan::State::State(const DcganOptions& dcgan_options)
    : State(dcgan_options, ParameterStore(dcgan_options.seed), ParameterStore(dcgan_options.seed)) {}

// Both stores draw the generator first and from the same seed: the averages begin as the weights do.
Dcgan::State::State(const DcganOptions& dcgan_options, ParameterStore weights, ParameterStore averages)
    : options(checked(dcgan_options)),
      store(std::move(weights)),
      generator(options, ParameterScope(store) / generator_prefix),
      discriminator(options, ParameterScope(store) / discriminator_prefix),
      of_generator(store.parameters(), generator_prefix),
      of_discriminator(store.parameters(), discriminator_prefix),
      averaged_store(std::move(averages)),
      averaged(options, ParameterScope(averaged_store) / generator_prefix) {}

NamedShapes Dcgan::State::tensor_shapes(const DcganOptions& options) {
  return shapes(State(options, ParameterStore::shapes_only(), ParameterStore::shapes_only()).tensors());
}

NamedParameters Dcgan::State::tensors() const {
  NamedParameters result;
  for (const OptimisedParameters* network : {&of_generator, &of_discriminator}) {
    for (std::size_t i = 0; i < network->parameters.size(); ++i) {
      const auto& [name, parameter] = network->parameters[i];
      result.emplace_back("weights." + name, parameter);
      result.emplace_back("exp_avg." + name, network->exp_avg[i]);
      result.emplace_back("exp_avg_sq." + name, network->exp_avg_sq[i]);
    }
  }
  for (const auto& [name, parameter] : averaged_store.parameters()) result.emplace_back("average." + name, parameter);
  return result;
}

}  // namespace iddpm::baselines
