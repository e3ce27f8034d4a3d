#include "iddpm/nn/network_statistics.h"

#include <gtest/gtest.h>

#include "iddpm/nn/classifier.h"
#include "iddpm/nn/unet_layout.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

/// The paper's CIFAR-10 network with learned variance.
UNetOptions cifar10_options() {
  UNetOptions options;
  options.residual_blocks = 3;
  options.dropout = 0.3;
  return options;
}

// Parameters of the parts of a network whose time embedding has 512 channels.
std::int64_t norm(std::int64_t channels) { return 2 * channels; }
std::int64_t linear(std::int64_t in, std::int64_t out) { return in * out + out; }
std::int64_t convolution(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return in * out * kernel * kernel + out;
}
std::int64_t residual(std::int64_t in, std::int64_t out) {
  return norm(in) + convolution(in, out, 3) + linear(512, 2 * out) + norm(out) + convolution(out, out, 3) +
         (in == out ? 0 : convolution(in, out, 1));
}
std::int64_t attention(std::int64_t channels) {
  return norm(channels) + convolution(channels, 3 * channels, 1) + convolution(channels, channels, 1);
}

TEST(NetworkStatistics, ThePapersCifar10NetworkHasItsParameters) {
  const std::int64_t down = linear(128, 512) + linear(512, 512) + convolution(3, 128, 3) + 3 * residual(128, 128) +
                            convolution(128, 128, 3) + residual(128, 256) + 2 * residual(256, 256) +
                            3 * attention(256) + convolution(256, 256, 3) + 3 * residual(256, 256) +
                            3 * attention(256) + convolution(256, 256, 3) + 3 * residual(256, 256);
  const std::int64_t middle = 2 * residual(256, 256) + attention(256);
  const std::int64_t up = 4 * residual(512, 256) + convolution(256, 256, 3) + 4 * residual(512, 256) +
                          4 * attention(256) + convolution(256, 256, 3) + 3 * residual(512, 256) + residual(384, 256) +
                          4 * attention(256) + convolution(256, 256, 3) + residual(384, 128) + 3 * residual(256, 128);
  const std::int64_t expected = down + middle + up + norm(128) + convolution(128, 6, 3);
  EXPECT_EQ(expected, 52'546'438);
  EXPECT_EQ(network_statistics(cifar10_options()).parameters, expected);
}

TEST(NetworkStatistics, CountTheArithmeticOfTheParts) {
  // One level without attention but in the middle, on 8 x 8 pixels.
  UNetOptions options = small_options();
  options.channel_multipliers = {1};
  options.attention_resolutions = {};
  const ForwardCost cost = network_statistics(options).forward;
  const double pixels = 64, unit = 2e-9;
  // in; block; middle 2 blocks; 2 output blocks of 64 channels in; out.
  EXPECT_NEAR(cost.convolution_3x3, unit * pixels * 9 * (3 * 32 + 8 * 32 * 32 + 2 * 64 * 32 + 32 * 6), 1e-12);
  EXPECT_NEAR(cost.convolution_1x1, unit * pixels * (2 * 64 * 32 + 4 * 32 * 32), 1e-12);
  EXPECT_NEAR(cost.attention, unit * 2 * pixels * pixels * 32, 1e-12);
  EXPECT_NEAR(cost.linear, unit * (32 * 128 + 128 * 128 + 5 * 128 * 64), 1e-12);
  const ForwardCost cifar10 = network_statistics(cifar10_options()).forward;
  EXPECT_NEAR(cifar10.total() - cifar10.attention, 16.3, 0.05);  // as a count of convolutions and linear layers gave
  // 7 blocks on 16 x 16 pixels, 7 on 8 x 8 and the middle one on 4 x 4.
  EXPECT_NEAR(cifar10.attention, unit * 2 * 256 * (7 * 256 * 256 + 7 * 64 * 64 + 16 * 16), 1e-9);
}

TEST(NetworkStatistics, KeepHalfInBFloat16AndLessWithCheckpointing) {
  UNetOptions options = cifar10_options();
  const NetworkStatistics plain = network_statistics(options);
  EXPECT_EQ(network_statistics(options, at::kBFloat16).activation_bytes * 2, plain.activation_bytes);
  options.checkpointing = true;
  EXPECT_LT(network_statistics(options).activation_bytes * 2, plain.activation_bytes);
}

TEST(NetworkStatistics, AForwardPassHoldsWhatIsSkippedAndOneLayer) {
  // One level without attention but in the middle, on 8 x 8 pixels: the first output block's input of 64 channels and
  // its output of 32, beside the 32 of the first convolution that are still kept.
  UNetOptions options = small_options();
  options.channel_multipliers = {1};
  options.attention_resolutions = {};
  EXPECT_EQ(network_statistics(options).forward_bytes, 64 * 4 * (32 + 64 + 32));
  EXPECT_EQ(network_statistics(options, at::kBFloat16).forward_bytes, 64 * 2 * (32 + 64 + 32));
  const NetworkStatistics cifar10 = network_statistics(cifar10_options());
  EXPECT_LT(cifar10.forward_bytes, cifar10.activation_bytes);
}

TEST(UNetLayout, JoinsEveryInputBlockToOneOutputBlock) {
  const UNetLayout layout = unet_layout(resolved(cifar10_options()));
  ASSERT_EQ(layout.input_blocks.size(), layout.output_blocks.size());
  std::int64_t channels = out_channels(layout.middle_block);
  for (std::size_t i = 0; i < layout.output_blocks.size(); ++i) {
    const BlockPlan& skip = layout.input_blocks[layout.input_blocks.size() - 1 - i];
    EXPECT_EQ(layout.output_blocks[i].front().in_channels, channels + out_channels(skip));
    channels = out_channels(layout.output_blocks[i]);
  }
  EXPECT_EQ(channels, layout.last_channels);
}

TEST(UNetLayout, NumbersTheDropoutLayersAndTracksTheSizes) {
  UNetOptions options = small_options();
  options.image_width = 12;
  options.residual_resampling = true;
  const UNetLayout layout = unet_layout(resolved(options));
  std::vector<BlockPlan> blocks = layout.input_blocks;
  blocks.push_back(layout.middle_block);
  blocks.insert(blocks.end(), layout.output_blocks.begin(), layout.output_blocks.end());
  std::int64_t number = 0;
  for (const BlockPlan& block : blocks) {
    for (const LayerPlan& layer : block) {
      if (layer.kind == LayerKind::residual) {
        EXPECT_EQ(layer.dropout_layer, number++);
      }
      if (layer.kind == LayerKind::attention) {
        EXPECT_EQ(layer.height, 4);
        EXPECT_EQ(layer.width, 6);
      }
    }
  }
  EXPECT_EQ(number, 3 + 2 + 5);
  EXPECT_EQ(layout.output_blocks.back().front().width, 12);
}

}  // namespace
}  // namespace iddpm
