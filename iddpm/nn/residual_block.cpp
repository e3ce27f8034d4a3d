#include "iddpm/nn/residual_block.h"

#include "iddpm/nn/checkpointing.h"

namespace iddpm {

ResidualBlock::ResidualBlock(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options)
    : in_norm_(scope / "in_layers.0", plan.in_channels, normalization(options)),
      in_convolution_(scope / "in_layers.2", plan.in_channels, plan.out_channels),
      embedding_(scope / "emb_layers.1", 4 * options.channels,
                 options.scale_shift_norm ? 2 * plan.out_channels : plan.out_channels),
      out_norm_(scope / "out_layers.0", plan.out_channels, normalization(options)),
      out_convolution_(scope / "out_layers.3", plan.out_channels, plan.out_channels, {.start = Start::zero}),
      resampling_(plan.resampling),
      divisor_(plan.divisor),
      scale_shift_norm_(options.scale_shift_norm),
      dropout_(options.dropout),
      dropout_layer_(plan.dropout_layer) {
  if (plan.in_channels != plan.out_channels) {
    skip_.emplace(scope / "skip_connection", plan.in_channels, plan.out_channels, ConvolutionLayerOptions{.kernel = 1});
  }
  if (options.checkpointing) checkpointed_parameters_ = scope.parameters();
}

Tensor ResidualBlock::operator()(const Tensor& x, const BlockCondition& condition) const {
  if (checkpointed_parameters_.empty() || !at::GradMode::is_enabled()) return evaluate(x, condition);
  return checkpointed(
      [block = *this, keys = condition.dropout_keys,
       words = condition.dropout_words](const std::vector<Tensor>& inputs) {
        return block.evaluate(inputs[0],
                              {.embedding = BlockEmbedding(inputs[1]), .dropout_keys = keys, .dropout_words = words});
      },
      {x, condition.embedding.rows()}, checkpointed_parameters_);
}

Tensor ResidualBlock::evaluate(const Tensor& x, const BlockCondition& condition) const {
  Tensor h = in_convolution_(resampled(in_norm_.silu(x)));
  const Tensor embedding = condition.embedding.projected(embedding_);
  kernels::DropoutOptions dropout;
  if (condition.dropout_keys.defined()) {
    const Tensor& words = condition.dropout_words;
    dropout = {dropout_, condition.dropout_keys, dropout_layer_, words.defined() ? words[dropout_layer_] : Tensor()};
  }
  if (scale_shift_norm_) {
    const std::vector<Tensor> parts = embedding.chunk(2, 1);
    h = out_norm_.silu(h, {.scale = parts[0], .shift = parts[1]}, dropout);
  } else {
    h = out_norm_.silu(h + embedding.to(h.scalar_type()).unsqueeze(2).unsqueeze(3), {}, dropout);
  }
  const Tensor shortcut = resampled(x);
  const Tensor sum = out_convolution_.add_to(skip_ ? (*skip_)(shortcut) : shortcut, h);
  return divisor_ == 1.0 ? sum : sum / divisor_;
}

Tensor ResidualBlock::resampled(const Tensor& x) const {
  switch (resampling_) {
    case LayerResampling::none:
      return x;
    case LayerResampling::down:
      return kernels::average_pool(x);
    case LayerResampling::up:
      return kernels::upsample_nearest(x);
  }
  return x;
}

}  // namespace iddpm
