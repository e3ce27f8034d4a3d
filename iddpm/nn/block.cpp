#include "iddpm/nn/block.h"

#include <type_traits>

#include "iddpm/core/error.h"

namespace iddpm {

Block::Block(const ParameterScope& scope, const BlockPlan& plan, const UNetOptions& options) {
  for (std::size_t i = 0; i < plan.size(); ++i) layers_.push_back(make_layer(scope / i, plan[i], options));
}

Block::Layer Block::make_layer(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options) {
  switch (plan.kind) {
    case LayerKind::convolution:
      return Convolution(scope, plan.in_channels, plan.out_channels);
    case LayerKind::residual:
      return ResidualBlock(scope, plan, options);
    case LayerKind::attention:
      return AttentionBlock(scope, plan, options);
    case LayerKind::downsample:
      return Downsample(scope, plan.in_channels, options);
    case LayerKind::upsample:
      return Upsample(scope, plan.in_channels, options.convolutional_resampling);
  }
  fail("A block has a layer of an unknown kind ({}).", static_cast<int>(plan.kind));
}

Tensor Block::operator()(Tensor x, const BlockCondition& condition) const {
  const auto apply = [&](const auto& layer) -> Tensor {
    if constexpr (std::is_invocable_v<decltype(layer), Tensor, BlockCondition>) {
      return layer(x, condition);
    } else {
      return layer(x);
    }
  };
  for (const Layer& layer : layers_) x = std::visit(apply, layer);
  return x;
}

std::vector<Block> make_blocks(const ParameterScope& scope, const std::vector<BlockPlan>& plans,
                               const UNetOptions& options) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < plans.size(); ++i) blocks.emplace_back(scope / i, plans[i], options);
  return blocks;
}

}  // namespace iddpm
