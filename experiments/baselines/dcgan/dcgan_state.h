#pragma once

#include <string>
#include <vector>

#include "experiments/baselines/dcgan/dcgan.h"
#include "experiments/baselines/dcgan/networks.h"
#include "iddpm/nn/module.h"
#include "iddpm/nn/parameter_store.h"

namespace iddpm::baselines {

/// A network's parameters with Adam's moments of their gradients (Kingma & Ba 2015, arXiv 1412.6980), tensor by tensor.
struct OptimisedParameters {
  explicit OptimisedParameters(const NamedParameters& store, const std::string& prefix);

  NamedParameters parameters;
  std::vector<Tensor> exp_avg;
  std::vector<Tensor> exp_avg_sq;
};

/// Inside a Dcgan.
struct Dcgan::State {
  /// At the start of a run. Throws Error if an option is out of range.
  explicit State(const DcganOptions& dcgan_options);
  /// Names and shapes of `tensors` for such options, without making any.
  static NamedShapes tensor_shapes(const DcganOptions& options);

  /// All tensors of the state under the names of its file: filling them restores it.
  NamedParameters tensors() const;

  DcganOptions options;
  ParameterStore store;
  Generator generator;
  Discriminator discriminator;
  OptimisedParameters of_generator;
  OptimisedParameters of_discriminator;
  ParameterStore averaged_store;
  Generator averaged;  ///< the generator with averaged weights
  std::int64_t steps_done = 0;
  std::int64_t examples_seen = 0;
  double processor_seconds = 0;

 private:
  State(const DcganOptions& dcgan_options, ParameterStore weights, ParameterStore averages);
};

}  // namespace iddpm::baselines
