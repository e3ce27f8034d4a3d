#include "iddpm/nn/encoder.h"

#include "iddpm/core/error.h"
#include "iddpm/nn/timestep_embedding.h"

namespace iddpm {

Encoder::Encoder(const ParameterScope& scope, const UNetLayout& layout, const UNetOptions& options)
    : embedding_width_(options.channels),
      frequency_shift_(options.frequency_shift),
      centers_input_(options.center_input),
      time_1_(scope / "time_embed.0", options.channels, layout.embedding_channels),
      time_2_(scope / "time_embed.2", layout.embedding_channels, layout.embedding_channels),
      class_embedding_(options.classes > 0
                           ? scope.add("label_emb.weight", {options.classes, layout.embedding_channels}, normal(1.0))
                           : Tensor()),
      input_blocks_(make_blocks(scope / "input_blocks", layout.input_blocks, options)),
      middle_block_(scope / "middle_block", layout.middle_block, options) {}

Tensor Encoder::embedding(const Tensor& t, const Tensor& y) const {
  Tensor embedding = time_1_(timestep_embedding(t, embedding_width_, frequency_shift_).to(time_1_.type()));
  embedding = time_2_(kernels::silu(embedding));
  if (class_embedding_.defined()) {
    const Tensor classes = y.to(embedding.device());
    const Tensor of_class = at::embedding(class_embedding_, classes.clamp_min(0));
    embedding = embedding + of_class.masked_fill((classes < 0).unsqueeze(1), 0.0);
  }
  return kernels::silu(embedding);
}

Encoder::Features Encoder::operator()(const Tensor& x, const BlockCondition& condition,
                                      at::ScalarType compute_type) const {
  Features features;
  Tensor h = input_blocks_.front()(centers_input_ ? 2 * x - 1 : x, condition).to(compute_type);
  features.input_blocks.push_back(h);
  for (std::size_t i = 1; i < input_blocks_.size(); ++i) {
    h = input_blocks_[i](h, condition);
    features.input_blocks.push_back(h);
  }
  features.middle = middle_block_(h, condition);
  return features;
}

void check_network_input(const Tensor& x_t, const Tensor& t, const UNetOptions& options, at::Device device) {
  require(x_t.defined() && x_t.dim() == 4 && x_t.size(0) > 0 && x_t.size(1) == options.image_channels,
          "The network's x_t has shape {}; expected [N, {}, height, width].",
          x_t.defined() ? format_shape(x_t.sizes()) : "none", options.image_channels);
  require(at::isFloatingType(x_t.scalar_type()), "The network's x_t has type {}; expected floating-point numbers.",
          c10::toString(x_t.scalar_type()));
  const std::int64_t step = stride(options);
  require(x_t.size(2) > 0 && x_t.size(3) > 0 && x_t.size(2) % step == 0 && x_t.size(3) % step == 0,
          "The network's x_t has images of {} x {} pixels (height x width); expected both to be divisible by the "
          "network's stride, {}.",
          x_t.size(2), x_t.size(3), step);
  require(t.defined() && t.dim() == 1 && t.size(0) == x_t.size(0),
          "The network's t has shape {}; expected one timestep for each of {} images.",
          t.defined() ? format_shape(t.sizes()) : "none", x_t.size(0));
  require(x_t.device() == device && t.device() == device, "The network is on {}, but x_t on {} and t on {}.",
          device.str(), x_t.device().str(), t.device().str());
}

void check_classes(const Tensor& y, std::int64_t images, std::int64_t classes, std::int64_t least_class) {
  require(y.dim() == 1 && y.size(0) == images && y.scalar_type() == at::kLong,
          "The network's y has shape {} and type {}; expected one int64 class for each of {} images.",
          format_shape(y.sizes()), c10::toString(y.scalar_type()), images);
  const std::int64_t least = y.min().item<std::int64_t>(), most = y.max().item<std::int64_t>();
  require(least >= least_class && most < classes, "The network's y has class {}; expected {} to {}.",
          least < least_class ? least : most, least_class, classes - 1);
}

void check_dropout_keys(const Tensor& keys, std::int64_t images) {
  require(!keys.defined() || (keys.dim() == 1 && keys.size(0) == images && keys.scalar_type() == at::kLong),
          "The network's dropout_keys have shape {}; expected one int64 key for each of {} images.",
          keys.defined() ? format_shape(keys.sizes()) : "none", images);
}

}  // namespace iddpm
