#include "iddpm/nn/network_statistics.h"

#include <algorithm>

#include "iddpm/nn/unet.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {
namespace {

constexpr double gflop_per_multiply_add = 2e-9;

double gflop(double multiply_adds) { return multiply_adds * gflop_per_multiply_add; }

/// Scalars kept for backward by one layer.
struct KeptScalars {
  std::int64_t input = 0;   // the layer's own input
  std::int64_t inside = 0;  // what comes on top without checkpointing
};

/// Adds up the layers of a network.
class Accountant {
 public:
  Accountant(const UNetOptions& options, at::ScalarType compute_type)
      : options_(options), bytes_(static_cast<std::int64_t>(c10::elementSize(compute_type))) {}

  void add(const BlockPlan& block) {
    for (const LayerPlan& layer : block) add(layer);
  }
  void add_embedding(std::int64_t embedding_channels);
  void add_end(std::int64_t in_channels, std::int64_t out_channels);
  NetworkStatistics finish(std::int64_t parameters) const;

 private:
  void add(const LayerPlan& layer);
  void add_residual(const LayerPlan& layer);
  void add_attention(const LayerPlan& layer);
  void add_convolution(std::int64_t in_channels, std::int64_t out_channels, std::int64_t pixels, std::int64_t kernel);
  void keep(const KeptScalars& kept, bool may_be_checkpointed);

  const UNetOptions& options_;
  std::int64_t bytes_;
  ForwardCost forward_;
  std::int64_t kept_ = 0;
  std::int64_t largest_replay_ = 0;
};

void Accountant::add(const LayerPlan& layer) {
  const std::int64_t pixels = layer.height * layer.width;
  const std::int64_t input = layer.in_channels * pixels;
  const bool convolutional = options_.convolutional_resampling;
  switch (layer.kind) {
    case LayerKind::convolution:
      add_convolution(layer.in_channels, layer.out_channels, pixels, 3);
      keep({.input = input}, false);
      break;
    case LayerKind::residual:
      add_residual(layer);
      break;
    case LayerKind::attention:
      add_attention(layer);
      break;
    case LayerKind::downsample:
      if (!convolutional) break;
      add_convolution(layer.in_channels, layer.out_channels, pixels / 4, 3);
      keep({.input = input}, false);
      break;
    case LayerKind::upsample:
      if (!convolutional) break;
      add_convolution(layer.in_channels, layer.out_channels, pixels * 4, 3);
      keep({.input = input * 4}, false);
      break;
  }
}

void Accountant::add_residual(const LayerPlan& layer) {
  std::int64_t pixels = layer.height * layer.width;
  KeptScalars kept = {.input = layer.in_channels * pixels};
  if (layer.resampling == LayerResampling::down) pixels /= 4;
  if (layer.resampling == LayerResampling::up) pixels *= 4;
  add_convolution(layer.in_channels, layer.out_channels, pixels, 3);
  add_convolution(layer.out_channels, layer.out_channels, pixels, 3);
  if (layer.in_channels != layer.out_channels) add_convolution(layer.in_channels, layer.out_channels, pixels, 1);
  const std::int64_t embedding_out = (options_.scale_shift_norm ? 2 : 1) * layer.out_channels;
  forward_.linear += gflop(4.0 * static_cast<double>(options_.channels) * static_cast<double>(embedding_out));
  // The first convolution's input, the second norm's and the second convolution's.
  kept.inside = (layer.in_channels + 2 * layer.out_channels) * pixels;
  keep(kept, true);
}

void Accountant::add_attention(const LayerPlan& layer) {
  const std::int64_t pixels = layer.height * layer.width;
  add_convolution(layer.in_channels, 3 * layer.in_channels, pixels, 1);
  add_convolution(layer.in_channels, layer.in_channels, pixels, 1);
  const auto places = static_cast<double>(pixels);
  forward_.attention += gflop(2.0 * places * places * static_cast<double>(layer.in_channels));
  // The norm's input; the projections' inputs, and q, k and v.
  keep({.input = layer.in_channels * pixels, .inside = 5 * layer.in_channels * pixels}, true);
}

void Accountant::add_convolution(std::int64_t in_channels, std::int64_t out_channels, std::int64_t pixels,
                                 std::int64_t kernel) {
  double& sum = kernel == 1 ? forward_.convolution_1x1 : forward_.convolution_3x3;
  sum += gflop(static_cast<double>(in_channels * out_channels) * static_cast<double>(pixels * kernel * kernel));
}

void Accountant::add_embedding(std::int64_t embedding_channels) {
  forward_.linear += gflop(static_cast<double>(embedding_channels * (options_.channels + embedding_channels)));
}

void Accountant::add_end(std::int64_t in_channels, std::int64_t out_channels) {
  const std::int64_t pixels =
      options_.image_height / options_.patch_size * (options_.image_width / options_.patch_size);
  add_convolution(in_channels, out_channels, pixels, 3);
  keep({.input = in_channels * pixels, .inside = in_channels * pixels}, false);
}

void Accountant::keep(const KeptScalars& kept, bool may_be_checkpointed) {
  kept_ += kept.input;
  if (may_be_checkpointed && options_.checkpointing) {
    largest_replay_ = std::max(largest_replay_, kept.inside);
  } else {
    kept_ += kept.inside;
  }
}

NetworkStatistics Accountant::finish(std::int64_t parameters) const {
  return {.parameters = parameters, .forward = forward_, .activation_bytes = (kept_ + largest_replay_) * bytes_};
}

std::int64_t output_scalars(const LayerPlan& layer) {
  const std::int64_t scalars = layer.out_channels * layer.height * layer.width;
  if (layer.kind == LayerKind::downsample || layer.resampling == LayerResampling::down) return scalars / 4;
  if (layer.kind == LayerKind::upsample || layer.resampling == LayerResampling::up) return scalars * 4;
  return scalars;
}

// Scalars that lie beside one another at the peak of a forward pass.
std::int64_t forward_peak(const UNetLayout& layout) {
  std::int64_t kept = 0, peak = 0;
  const auto pass = [&](const BlockPlan& block) {
    for (const LayerPlan& layer : block) {
      peak = std::max(peak, kept + layer.in_channels * layer.height * layer.width + output_scalars(layer));
    }
  };
  for (const BlockPlan& block : layout.input_blocks) {
    pass(block);
    kept += output_scalars(block.back());
  }
  pass(layout.middle_block);
  for (std::size_t i = 0; i < layout.output_blocks.size(); ++i) {
    kept -= output_scalars(layout.input_blocks[layout.input_blocks.size() - 1 - i].back());  // now part of the input
    pass(layout.output_blocks[i]);
  }
  return peak;
}

}  // namespace

NetworkStatistics network_statistics(const UNetOptions& options, at::ScalarType compute_type) {
  const UNetOptions network = resolved(options);
  const UNetLayout layout = unet_layout(network);
  Accountant accountant(network, compute_type);
  accountant.add_embedding(layout.embedding_channels);
  for (const BlockPlan& block : layout.input_blocks) accountant.add(block);
  accountant.add(layout.middle_block);
  for (const BlockPlan& block : layout.output_blocks) accountant.add(block);
  accountant.add_end(layout.last_channels, layout.out_channels);
  NetworkStatistics statistics = accountant.finish(count(UNet::parameter_shapes(network)));
  statistics.forward_bytes = forward_peak(layout) * static_cast<std::int64_t>(c10::elementSize(compute_type));
  return statistics;
}

}  // namespace iddpm
