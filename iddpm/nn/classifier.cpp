#include "iddpm/nn/classifier.h"

#include <torch/csrc/autograd/autograd.h>

#include "iddpm/core/error.h"
#include "iddpm/nn/classifier_pool.h"
#include "iddpm/nn/encoder.h"
#include "iddpm/nn/parameter_store.h"

namespace iddpm {

struct NoisyClassifier::Layers {
  Layers(const ClassifierOptions& resolved_options, ParameterStore& store)
      : Layers(resolved_options, unet_layout(resolved_options.network), ParameterScope(store)) {
    parameters = store.parameters();
  }

  Layers(const ClassifierOptions& resolved_options, const UNetLayout& layout, const ParameterScope& scope)
      : options(resolved_options),
        encoder(scope, layout, options.network),
        pool(make_pool(scope / "out", layout, options)) {}

  ClassifierOptions options;
  Encoder encoder;
  PoolLayer pool;
  NamedParameters parameters;
  at::ScalarType compute_type = at::kFloat;
};

NoisyClassifier::NoisyClassifier(ClassifierOptions options, std::uint64_t seed) {
  options = resolved(std::move(options));
  parameter_shapes(options);  // refuses what can't be allocated, before anything is
  ParameterStore store(seed);
  layers_ = std::make_shared<Layers>(options, store);
}

Tensor NoisyClassifier::operator()(const Tensor& x_t, const Tensor& t, const Tensor& dropout_keys) const {
  const Layers& layers = *layers_;
  check_network_input(x_t, t, layers.options.network, device());
  check_dropout_keys(dropout_keys, x_t.size(0));
  const BlockCondition condition = {.embedding = BlockEmbedding(layers.encoder.embedding({.t = t})),
                                    .dropout_keys = dropout_keys};
  const Encoder::Features features =
      layers.encoder(x_t.to(parameter_type(layers.parameters)), condition, layers.compute_type);
  return std::visit([&](const auto& pool) { return pool(features); }, layers.pool);
}

NamedShapes NoisyClassifier::parameter_shapes(const ClassifierOptions& options) {
  ParameterStore store = ParameterStore::shapes_only();
  const Layers layers(resolved(options), store);
  return shapes(layers.parameters);
}

const ClassifierOptions& NoisyClassifier::options() const { return layers_->options; }
NamedParameters NoisyClassifier::parameters() const { return layers_->parameters; }

void NoisyClassifier::set_compute_type(at::ScalarType type) {
  move_parameters(layers_->parameters, parameter_type_for(type), device());
  layers_->compute_type = type;
}

at::ScalarType NoisyClassifier::compute_type() const { return layers_->compute_type; }
at::Device NoisyClassifier::device() const { return layers_->parameters.front().second.device(); }

void NoisyClassifier::to(at::Device device) {
  move_parameters(layers_->parameters, parameter_type(layers_->parameters), device);
}

Tensor log_probability_gradient(const NoisyClassifier& classifier, const Tensor& x_t, const Tensor& t,
                                const Tensor& y) {
  check_network_input(x_t, t, classifier.options().network, classifier.device());
  require(y.defined(), "The classifier's y is missing; expected a class for each image.");
  check_classes(y, x_t.size(0), classifier.options().classes);
  const at::AutoGradMode with_gradient(true);
  const Tensor x = x_t.detach().requires_grad_(true);
  const Tensor log_probabilities = at::log_softmax(classifier(x, t), 1);
  const Tensor chosen = log_probabilities.gather(1, y.to(x.device()).unsqueeze(1)).sum();
  return torch::autograd::grad({chosen}, {x})[0];
}

}  // namespace iddpm
