#include "iddpm/nn/unet.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

const Tensor four_timesteps = at::tensor({3, 500, 17, 999}, at::kLong);
const Tensor keys = at::tensor({11, 12, 13, 14}, at::kLong);

double largest_difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(UNet, PredictsZeroBeforeTraining) {
  const UNet network(small_options());
  const Tensor output = network(random_tensor({2, 3, 8, 8}, 1), four_timesteps.slice(0, 0, 2));
  EXPECT_EQ(output.sizes(), at::IntArrayRef({2, 6, 8, 8}));
  EXPECT_EQ(output.abs().max().item<double>(), 0.0);
}

TEST(UNet, AnImagesOutputDoesNotDependOnItsBatch) {
  const at::NoGradGuard no_grad;
  const UNet network = random_unet(small_options());
  const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
  const Tensor together = network(x_t, four_timesteps);
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor alone = network(x_t.slice(0, i, i + 1), four_timesteps.slice(0, i, i + 1));
    EXPECT_LT(largest_difference(alone, together.slice(0, i, i + 1)), 1e-5);
  }
}

TEST(UNet, TakesImagesThatAreNotSquareAndOtherSizesThanTheOptions) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.image_height = 24;
  options.image_width = 40;
  options.channel_multipliers = {1, 2, 2};
  options.attention_resolutions = {12, 6};
  const UNet network = random_unet(options);
  EXPECT_EQ(network(random_tensor({1, 3, 24, 40}, 1), four_timesteps.slice(0, 0, 1)).sizes(),
            at::IntArrayRef({1, 6, 24, 40}));
  EXPECT_EQ(network(random_tensor({1, 3, 8, 4}, 1), four_timesteps.slice(0, 0, 1)).sizes(),
            at::IntArrayRef({1, 6, 8, 4}));
}

// A network whose convolutions are symmetric commutes with transposition.
TEST(UNet, DoesNotMixUpHeightAndWidth) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.image_height = 8;
  options.image_width = 12;
  const UNet network = random_unet(options);
  for (const auto& [name, parameter] : network.parameters()) {
    if (parameter.dim() == 4) parameter.copy_((parameter + parameter.transpose(2, 3)) / 2.0);
  }
  const Tensor x_t = random_tensor({1, 3, 8, 12}, 1);
  const Tensor t = four_timesteps.slice(0, 0, 1);
  EXPECT_LT(largest_difference(network(x_t, t).transpose(2, 3), network(x_t.transpose(2, 3), t)), 1e-4);
}

class UNetWithChannels : public testing::TestWithParam<std::int64_t> {};

TEST_P(UNetWithChannels, TakesImagesOfAnyNumberOfChannels) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.image_channels = GetParam();
  const Tensor x_t = random_tensor({1, GetParam(), 8, 8}, 1);
  const Tensor t = four_timesteps.slice(0, 0, 1);
  EXPECT_EQ(random_unet(options)(x_t, t).size(1), 2 * GetParam());
  options.predict_variance = false;
  EXPECT_EQ(random_unet(options)(x_t, t).size(1), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Counts, UNetWithChannels, testing::Values(1, 3, 4));

TEST(UNet, EveryOptionMakesADifference) {
  const at::NoGradGuard no_grad;
  const Tensor x_t = random_tensor({1, 3, 8, 8}, 1);
  const Tensor t = four_timesteps.slice(0, 1, 2);
  const Tensor plain = random_unet(small_options())(x_t, t);
  const auto differs = [&](auto change) {
    UNetOptions options = small_options();
    change(options);
    return largest_difference(random_unet(options)(x_t, t), plain) > 1e-4;
  };
  EXPECT_TRUE(differs([](UNetOptions& options) { options.heads = 4; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.heads_upsample = 4; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.head_channels = 16; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.qkv_order = kernels::QkvOrder::qkv_first; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.scale_shift_norm = false; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.convolutional_resampling = false; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.residual_resampling = true; }));
  EXPECT_TRUE(differs([](UNetOptions& options) { options.attention_resolutions = {}; }));
}

TEST(UNet, SuperResolutionSeesTheLowResolutionImage) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.super_resolution = true;
  const UNet network = random_unet(options);
  const Tensor x_t = random_tensor({1, 3, 8, 8}, 1);
  const Tensor t = four_timesteps.slice(0, 0, 1);
  const Tensor one = network(x_t, t, {.low_resolution = random_tensor({1, 3, 4, 4}, 2)});
  const Tensor other = network(x_t, t, {.low_resolution = random_tensor({1, 3, 4, 4}, 3)});
  EXPECT_GT(largest_difference(one, other), 1e-4);
  // A constant image stays constant when it is upsampled, whatever its size.
  const Tensor constant = at::full({1, 3, 4, 4}, 0.5);
  EXPECT_LT(largest_difference(network(x_t, t, {.low_resolution = constant}),
                               network(x_t, t, {.low_resolution = constant.slice(2, 0, 2)})),
            1e-5);
}

TEST(UNet, SuperResolutionIsToldTheNoiseWhereThatVaries) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.super_resolution = true;
  options.low_resolution = 4;
  options.low_resolution_noise = 0.5;
  const UNet of_fixed_noise = random_unet(options);
  options.low_resolution_noise_varies = true;
  const UNet network = random_unet(options);
  const Tensor x_t = random_tensor({1, 3, 8, 8}, 1).expand({2, 3, 8, 8});
  const Tensor t = four_timesteps.slice(0, 0, 1).expand({2});
  const Tensor small = random_tensor({1, 3, 4, 4}, 2).expand({2, 3, 4, 4});
  const auto told = [&](double first, double second) {
    return network(x_t, t, {.low_resolution = small, .low_resolution_noise = at::tensor({first, second}, at::kFloat)});
  };
  EXPECT_GT(largest_difference(told(0.0, 0.1)[0], told(0.0, 0.1)[1]), 1e-4) << "each image its own";
  EXPECT_LT(largest_difference(told(0.1, 0.1)[0], told(0.0, 0.1)[1]), 1e-5) << "a row for all or one each";
  EXPECT_TRUE(contains(error_of([&] { network(x_t, t, {.low_resolution = small}); }), "expected low_resolution_noise"));
  EXPECT_TRUE(contains(
      error_of([&] { of_fixed_noise(x_t, t, {.low_resolution = small, .low_resolution_noise = at::zeros({2})}); }),
      "expected no low_resolution_noise"));
  EXPECT_TRUE(
      contains(error_of([&] { network(x_t, t, {.low_resolution = small, .low_resolution_noise = at::zeros({3})}); }),
               "has shape [3]"));
}

TEST(UNet, ClassesChangeTheOutput) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.classes = 10;
  const UNet network = random_unet(options);
  const Tensor x_t = random_tensor({1, 3, 8, 8}, 1).expand({2, 3, 8, 8});
  const Tensor output = network(x_t, at::full({2}, 5, at::kLong), {.y = at::tensor({2, 9}, at::kLong)});
  EXPECT_GT(largest_difference(output[0], output[1]), 1e-4);
}

TEST(UNet, WithoutAClassIsTheNetworkThatHasNone) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  const UNet without = random_unet(options);
  options.classes = 10;
  const UNet with = random_unet(options);
  for (const auto& [name, parameter] : with.parameters()) {
    for (const auto& [its_name, its] : without.parameters()) {
      if (its_name == name) parameter.copy_(its);
    }
  }
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1), t = at::full({2}, 5, at::kLong);
  const Tensor plain = without(x_t, t);
  EXPECT_TRUE(at::equal(with(x_t, t, {.y = at::full({2}, no_class, at::kLong)}), plain));
  const Tensor mixed = with(x_t, t, {.y = at::tensor({no_class, std::int64_t{4}}, at::kLong)});
  EXPECT_LT(largest_difference(mixed[0], plain[0]), 1e-5);
  EXPECT_GT(largest_difference(mixed[1], plain[1]), 1e-4);
}

TEST(UNet, WholeAndFractionalTimestepsAgree) {
  const at::NoGradGuard no_grad;
  const UNet network = random_unet(small_options());
  const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
  EXPECT_EQ(largest_difference(network(x_t, four_timesteps), network(x_t, four_timesteps.to(at::kFloat))), 0.0);
  EXPECT_GT(largest_difference(network(x_t, four_timesteps), network(x_t, four_timesteps + 0.5)), 1e-6);
}

TEST(UNet, DropoutIsOnOnlyWithKeysAndMasksAreTheImagesOwn) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.dropout = 0.3;
  const UNet network = random_unet(options);
  const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
  const Tensor plain = network(x_t, four_timesteps);
  options.dropout = 0.0;
  EXPECT_EQ(largest_difference(plain, random_unet(options)(x_t, four_timesteps)), 0.0);

  const Tensor together = network(x_t, four_timesteps, {.dropout_keys = keys});
  EXPECT_GT(largest_difference(together, plain), 1e-2);
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor alone =
        network(x_t.slice(0, i, i + 1), four_timesteps.slice(0, i, i + 1), {.dropout_keys = keys.slice(0, i, i + 1)});
    EXPECT_LT(largest_difference(alone, together.slice(0, i, i + 1)), 1e-5);
  }
  EXPECT_GT(largest_difference(network(x_t, four_timesteps, {.dropout_keys = keys + 1}), together), 1e-2);
}

TEST(UNet, CopiesShareTheirParametersAndSeedsDecideThem) {
  const UNet network(small_options(), 7);
  const UNet copy = network;
  const UNet same(small_options(), 7);
  const UNet other(small_options(), 8);
  const NamedParameters ours = network.parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto& [name, parameter] = ours[i];
    EXPECT_TRUE(parameter.is_same(copy.parameters()[i].second)) << name;
    EXPECT_TRUE(parameter.equal(same.parameters()[i].second)) << name;
    EXPECT_TRUE(parameter.requires_grad()) << name;
  }
  EXPECT_FALSE(network.parameters()[0].second.equal(other.parameters()[0].second));
}

TEST(UNet, ComputesInFloat64AndBFloat16) {
  const at::NoGradGuard no_grad;
  UNet network = random_unet(small_options());
  const NamedParameters before = network.parameters();
  const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
  const Tensor expected = network(x_t, four_timesteps);
  network.set_compute_type(at::kDouble);
  EXPECT_EQ(before[0].second.scalar_type(), at::kDouble);
  EXPECT_EQ(network(x_t, four_timesteps).scalar_type(), at::kDouble);
  EXPECT_LT(largest_difference(network(x_t, four_timesteps), expected), 1e-4);
  network.set_compute_type(at::kBFloat16);
  EXPECT_EQ(before[0].second.scalar_type(), at::kFloat);
  const Tensor coarse = network(x_t, four_timesteps);
  EXPECT_EQ(coarse.scalar_type(), at::kFloat);
  const double distance = (coarse - expected).square().mean().sqrt().item<double>() / expected.std().item<double>();
  EXPECT_LT(distance, 3e-2);
  EXPECT_GT(distance, 1e-4);
  EXPECT_EQ(error_of([&] { network.set_compute_type(at::kLong); }),
            "The network's compute type is Long; expected Float, BFloat16 or Double.");
}

TEST(UNet, ItsGradientIsTheDerivative) {
  UNetOptions options = small_options();
  options.classes = 3;
  options.dropout = 0.2;
  UNet network = random_unet(options);
  network.set_compute_type(at::kDouble);
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1).to(at::kDouble).requires_grad_(true);
  const Tensor t = four_timesteps.slice(0, 0, 2);
  const Condition condition = {.y = at::tensor({0, 2}, at::kLong), .dropout_keys = keys.slice(0, 0, 2)};
  const Tensor direction = random_tensor({2, 6, 8, 8}, 2).to(at::kDouble);
  const auto value = [&] { return (network(x_t, t, condition) * direction).sum(); };
  std::vector<Tensor> leaves = {x_t};
  for (const auto& [name, parameter] : network.parameters()) leaves.push_back(parameter);
  const auto gradients = torch::autograd::grad({value()}, leaves);
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const Tensor step = random_tensor(leaves[i].sizes(), 50 + i).to(at::kDouble);
    const double h = 1e-6;
    leaves[i].add_(step, h);
    const auto above = value().item<double>();
    leaves[i].add_(step, -2 * h);
    const auto below = value().item<double>();
    leaves[i].add_(step, h);
    const auto expected = (gradients[i] * step).sum().item<double>();
    EXPECT_NEAR((above - below) / (2 * h), expected, 1e-5 * (1 + std::abs(expected))) << i;
  }
}

TEST(UNet, NamesWhatIsWrongWithItsInput) {
  const UNet network(small_options());
  UNetOptions options = small_options();
  options.classes = 10;
  const UNet with_classes(options);
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1);
  const Tensor t = four_timesteps.slice(0, 0, 2);
  EXPECT_EQ(error_of([&] { network(x_t.slice(3, 0, 7), t); }),
            "The network's x_t has images of 8 x 7 pixels (height x width); expected both to be divisible by the "
            "network's stride, 2.");
  EXPECT_EQ(error_of([&] { network(x_t.slice(1, 0, 1), t); }),
            "The network's x_t has shape [2, 1, 8, 8]; expected [N, 3, height, width].");
  EXPECT_EQ(error_of([&] { network({}, t); }), "The network's x_t has shape none; expected [N, 3, height, width].");
  EXPECT_EQ(error_of([&] { network(x_t, four_timesteps); }),
            "The network's t has shape [4]; expected one timestep for each of 2 images.");
  EXPECT_EQ(error_of([&] { network(x_t, t, {.y = t}); }), "The network has no classes; expected no y.");
  EXPECT_EQ(error_of([&] { with_classes(x_t, t); }), "The network has 10 classes; expected y, a class for each image.");
  EXPECT_EQ(error_of([&] {
              with_classes(x_t, t, {.y = at::tensor({3, 10}, at::kLong)});
            }),
            "The network's y has class 10; expected -1 to 9.");
  EXPECT_EQ(error_of([&] {
              with_classes(x_t, t, {.y = at::tensor({-2, 10}, at::kLong)});
            }),
            "The network's y has class -2; expected -1 to 9.");
  EXPECT_EQ(error_of([&] { network(x_t, t, {.low_resolution = x_t}); }),
            "The network does no super-resolution; expected no low_resolution images.");
  EXPECT_EQ(error_of([&] { network(x_t, t, {.dropout_keys = keys}); }),
            "The network's dropout_keys have shape [4]; expected one int64 key for each of 2 images.");
}

}  // namespace
}  // namespace iddpm
