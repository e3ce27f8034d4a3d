#include "iddpm/nn/unet_layout.h"

#include <algorithm>

namespace iddpm {
namespace {

/// Walks down and up the levels, keeping the current channels and size.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(const UNetOptions& options)
      : options_(options), height_(options.image_height), width_(options.image_width) {}

  UNetLayout build();

 private:
  void build_input_blocks();
  void build_middle_block();
  void build_output_blocks();

  LayerPlan convolution(std::int64_t in_channels, std::int64_t out_channels);
  LayerPlan residual(std::int64_t in_channels, std::int64_t out_channels, Resampling resampling = Resampling::none);
  LayerPlan attention(bool upsampling);
  LayerPlan resampling_layer(Resampling resampling);
  bool attends(bool upsampling) const;

  const UNetOptions& options_;
  UNetLayout layout_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_ = 0;
  std::int64_t residual_blocks_ = 0;
};

UNetLayout LayoutBuilder::build() {
  layout_.embedding_channels = 4 * options_.channels;
  build_input_blocks();
  build_middle_block();
  build_output_blocks();
  layout_.last_channels = channels_;
  layout_.out_channels = options_.image_channels * (options_.predict_variance ? 2 : 1);
  return std::move(layout_);
}

void LayoutBuilder::build_input_blocks() {
  const std::size_t levels = options_.channel_multipliers.size();
  const std::int64_t in_channels = options_.image_channels * (options_.super_resolution ? 2 : 1);
  layout_.input_blocks.push_back({convolution(in_channels, level_channels(options_, 0))});
  for (std::size_t level = 0; level < levels; ++level) {
    for (std::int64_t i = 0; i < options_.residual_blocks; ++i) {
      BlockPlan block = {residual(channels_, level_channels(options_, level))};
      if (attends(false)) block.push_back(attention(false));
      layout_.input_blocks.push_back(std::move(block));
    }
    if (level + 1 < levels) layout_.input_blocks.push_back({resampling_layer(Resampling::down)});
  }
}

void LayoutBuilder::build_middle_block() {
  layout_.middle_block.push_back(residual(channels_, channels_));
  if (options_.middle_attention != MiddleAttention::none) {
    layout_.middle_block.push_back(attention(false));
    layout_.middle_block.back().normalized = options_.middle_attention == MiddleAttention::normalized;
  }
  layout_.middle_block.push_back(residual(channels_, channels_));
  for (LayerPlan& layer : layout_.middle_block) layer.divisor = options_.middle_divisor;
}

void LayoutBuilder::build_output_blocks() {
  std::size_t skip = layout_.input_blocks.size();
  for (std::size_t level = options_.channel_multipliers.size(); level-- > 0;) {
    for (std::int64_t i = 0; i <= options_.residual_blocks; ++i) {
      const std::int64_t joined = channels_ + out_channels(layout_.input_blocks[--skip]);
      BlockPlan block = {residual(joined, level_channels(options_, level))};
      if (attends(true)) block.push_back(attention(true));
      if (level > 0 && i == options_.residual_blocks) block.push_back(resampling_layer(Resampling::up));
      layout_.output_blocks.push_back(std::move(block));
    }
  }
}

LayerPlan LayoutBuilder::convolution(std::int64_t in_channels, std::int64_t out_channels) {
  channels_ = out_channels;
  return {.kind = LayerKind::convolution,
          .in_channels = in_channels,
          .out_channels = out_channels,
          .height = height_,
          .width = width_};
}

LayerPlan LayoutBuilder::residual(std::int64_t in_channels, std::int64_t out_channels, Resampling resampling) {
  channels_ = out_channels;
  return {.kind = LayerKind::residual,
          .in_channels = in_channels,
          .out_channels = out_channels,
          .height = height_,
          .width = width_,
          .resampling = resampling,
          .dropout_layer = residual_blocks_++};
}

LayerPlan LayoutBuilder::attention(bool upsampling) {
  return {.kind = LayerKind::attention,
          .in_channels = channels_,
          .out_channels = channels_,
          .height = height_,
          .width = width_,
          .heads = attention_heads(options_, channels_, upsampling)};
}

LayerPlan LayoutBuilder::resampling_layer(Resampling resampling) {
  const bool down = resampling == Resampling::down;
  LayerPlan layer = residual(channels_, channels_, resampling);
  if (!options_.residual_resampling) {
    layer.kind = down ? LayerKind::downsample : LayerKind::upsample;
    --residual_blocks_;
  }
  height_ = down ? height_ / 2 : height_ * 2;
  width_ = down ? width_ / 2 : width_ * 2;
  return layer;
}

bool LayoutBuilder::attends(bool upsampling) const {
  const auto& own = options_.attention_upsample;
  const auto& resolutions = upsampling && !own.empty() ? own : options_.attention_resolutions;
  return std::find(resolutions.begin(), resolutions.end(), std::min(height_, width_)) != resolutions.end();
}

}  // namespace

UNetLayout unet_layout(const UNetOptions& options) { return LayoutBuilder(options).build(); }

}  // namespace iddpm
