#include "iddpm/nn/unet.h"

#include "iddpm/core/error.h"
#include "iddpm/nn/block.h"
#include "iddpm/nn/block_embedding.h"
#include "iddpm/nn/encoder.h"
#include "iddpm/nn/parameter_store.h"

namespace iddpm {

struct UNet::Layers {
  Layers(const UNetOptions& resolved_options, ParameterStore& store)
      : Layers(resolved_options, unet_layout(resolved_options), ParameterScope(store)) {
    parameters = store.parameters();
  }

  Layers(const UNetOptions& resolved_options, const UNetLayout& layout, const ParameterScope& scope)
      : options(resolved_options),
        encoder(scope, layout, options),
        output_blocks(make_blocks(scope / "output_blocks", layout.output_blocks, options)),
        out_norm(scope / "out.0", layout.last_channels, normalization(options)),
        out_convolution(scope / "out.2", layout.last_channels, layout.out_channels, {.start = Start::zero}) {}

  void check_condition(const Condition& condition, std::int64_t images) const;
  BlockEmbedding embedding(const Tensor& t, const Tensor& y) const;
  Tensor network_input(const Tensor& x_t, const Condition& condition) const;

  UNetOptions options;
  Encoder encoder;
  std::vector<Block> output_blocks;
  Normalization out_norm;
  Convolution out_convolution;
  NamedParameters parameters;
  at::ScalarType compute_type = at::kFloat;
  mutable EmbeddingCache embeddings;  // guards itself: any thread may sample
};

void UNet::Layers::check_condition(const Condition& condition, std::int64_t images) const {
  if (options.classes > 0) {
    require(condition.y.defined(), "The network has {} classes; expected y, a class for each image.", options.classes);
    check_classes(condition.y, images, options.classes, no_class);
  } else {
    require(!condition.y.defined(), "The network has no classes; expected no y.");
  }
  const Tensor& low = condition.low_resolution;
  require(low.defined() == options.super_resolution, "{}",
          options.super_resolution ? "The network does super-resolution; expected low_resolution images to start from."
                                   : "The network does no super-resolution; expected no low_resolution images.");
  if (low.defined()) {
    require(low.dim() == 4 && low.size(0) == images && low.size(1) == options.image_channels && low.size(2) > 0 &&
                low.size(3) > 0 && at::isFloatingType(low.scalar_type()),
            "The network's low_resolution has shape {} and type {}; expected floating-point [{}, {}, height, width].",
            format_shape(low.sizes()), c10::toString(low.scalar_type()), images, options.image_channels);
  }
  check_dropout_keys(condition.dropout_keys, images);
}

BlockEmbedding UNet::Layers::embedding(const Tensor& t, const Tensor& y) const {
  return embeddings(parameters, t, y, [this](const Tensor& t, const Tensor& y) { return encoder.embedding(t, y); });
}

Tensor UNet::Layers::network_input(const Tensor& x_t, const Condition& condition) const {
  const Tensor x = x_t.to(parameter_type(parameters));
  if (!options.super_resolution) return x;
  const Tensor upsampled = at::upsample_bilinear2d(condition.low_resolution.to(x.options()), {x.size(2), x.size(3)},
                                                   /*align_corners=*/false);
  return kernels::concatenate_channels(x, upsampled);
}

UNet::UNet(UNetOptions options, std::uint64_t seed) {
  options = resolved(std::move(options));
  parameter_shapes(options);  // refuses what can't be allocated, before anything is
  ParameterStore store(seed);
  layers_ = std::make_shared<Layers>(options, store);
}

Tensor UNet::operator()(const Tensor& x_t, const Tensor& t, const Condition& condition) const {
  const Layers& layers = *layers_;
  check_network_input(x_t, t, layers.options, device());
  layers.check_condition(condition, x_t.size(0));
  const BlockCondition block_condition = {.embedding = layers.embedding(t, condition.y),
                                          .dropout_keys = condition.dropout_keys};
  auto [skips, h] = layers.encoder(layers.network_input(x_t, condition), block_condition, layers.compute_type);
  for (const Block& block : layers.output_blocks) {
    h = kernels::concatenate_channels(h, skips.back());
    skips.pop_back();
    h = block(std::move(h), block_condition);
  }
  return layers.out_convolution(layers.out_norm.silu(h.to(parameter_type(layers.parameters)))).contiguous();
}

const UNetOptions& UNet::options() const { return layers_->options; }
NamedParameters UNet::parameters() const { return layers_->parameters; }

void UNet::set_compute_type(at::ScalarType type) {
  move_parameters(layers_->parameters, parameter_type_for(type), device());
  layers_->compute_type = type;
}

at::ScalarType UNet::compute_type() const { return layers_->compute_type; }
at::Device UNet::device() const { return layers_->parameters.front().second.device(); }

void UNet::to(at::Device device) { move_parameters(layers_->parameters, parameter_type(layers_->parameters), device); }

NamedShapes UNet::parameter_shapes(const UNetOptions& options) {
  ParameterStore store = ParameterStore::shapes_only();
  const Layers layers(resolved(options), store);
  return shapes(layers.parameters);
}

}  // namespace iddpm
