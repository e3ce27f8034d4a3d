#pragma once

#include <variant>
#include <vector>

#include "iddpm/nn/attention_block.h"
#include "iddpm/nn/resample.h"
#include "iddpm/nn/residual_block.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {

/// Layers in a row, made from their plan; their parameters are named "0.", "1.", ... in the block's scope.
class Block {
 public:
  Block(const ParameterScope& scope, const BlockPlan& plan, const UNetOptions& options);
  Tensor operator()(Tensor x, const BlockCondition& condition) const;

 private:
  using Layer = std::variant<Convolution, ResidualBlock, AttentionBlock, Downsample, Upsample>;
  static Layer make_layer(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options);

  std::vector<Layer> layers_;
};

/// One block for each plan, in the scopes "0.", "1.", ...
std::vector<Block> make_blocks(const ParameterScope& scope, const std::vector<BlockPlan>& plans,
                               const UNetOptions& options);

}  // namespace iddpm
