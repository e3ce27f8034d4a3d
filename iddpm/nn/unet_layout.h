#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/nn/unet_options.h"

namespace iddpm {

enum class LayerKind { convolution, residual, attention, downsample, upsample };

enum class Resampling { none, down, up };

/// One layer of a block.
struct LayerPlan {
  LayerKind kind = LayerKind::residual;
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t height = 0;  ///< of the layer's input, for images of the options' size
  std::int64_t width = 0;
  Resampling resampling = Resampling::none;  ///< of a residual block
  std::int64_t heads = 0;                    ///< of an attention block
  bool normalized = true;                    ///< an attention block: its input is normalised first
  double divisor = 1.0;                      ///< of the sum of a residual or attention block and what it adds to
  std::int64_t dropout_layer = 0;            ///< of a residual block: its number, which its dropout masks depend on
};

/// Layers in a row, which in the published code share one entry of input_blocks or output_blocks.
using BlockPlan = std::vector<LayerPlan>;

/// A U-Net's blocks and their channel counts, derived from its options. Each input block's output is kept and joined by
/// channels to the input of the output block that mirrors it.
struct UNetLayout {
  std::int64_t embedding_channels = 0;  ///< of the time embedding after its two linear layers
  std::vector<BlockPlan> input_blocks;
  BlockPlan middle_block;
  std::vector<BlockPlan> output_blocks;
  std::int64_t last_channels = 0;  ///< of the last output block
  std::int64_t out_channels = 0;   ///< of the network's output
};

/// The layout of resolved options.
UNetLayout unet_layout(const UNetOptions& options);

/// Channels that leave a block.
inline std::int64_t out_channels(const BlockPlan& block) { return block.back().out_channels; }

}  // namespace iddpm
