#include "iddpm/nn/patches.h"

#include <gtest/gtest.h>

#include "iddpm/nn/classifier.h"
#include "iddpm/nn/network_statistics.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

double largest_gap(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

UNetOptions options_with_patches(std::int64_t size, PatchTransform transform) {
  UNetOptions options = small_options();
  options.image_height = 8 * size;
  options.image_width = 12 * size;
  options.patch_size = size;
  options.patch_transform = transform;
  return options;
}

struct PatchKind {
  std::int64_t size;
  PatchTransform transform;
};

class PatchesOf : public testing::TestWithParam<PatchKind> {};

TEST_P(PatchesOf, JoinIsTheInverseOfSplitAndBothKeepLengths) {
  const auto [size, transform] = GetParam();
  const Patches patches(size, transform);
  const Tensor images = random_tensor({2, 3, 8, 12}, 1).to(at::kDouble);
  const Tensor split = patches.split(images);
  EXPECT_EQ(split.sizes(), at::IntArrayRef({2, 3 * size * size, 8 / size, 12 / size}));
  EXPECT_LT(largest_gap(patches.join(split), images), 1e-12);
  EXPECT_NEAR(split.norm().item<double>(), images.norm().item<double>(), 1e-9);
}

TEST_P(PatchesOf, ImageChannelsStayApartAndInOrder) {
  const auto [size, transform] = GetParam();
  const Patches patches(size, transform);
  const Tensor images = random_tensor({1, 2, 8, 8}, 2);
  const Tensor split = patches.split(images);
  for (std::int64_t channel = 0; channel < 2; ++channel) {
    const Tensor alone = patches.split(images.narrow(1, channel, 1));
    EXPECT_LT(largest_gap(alone, split.narrow(1, channel * size * size, size * size)), 1e-6);
  }
}

TEST_P(PatchesOf, AreWhatTheBasisSaysPixelByPixel) {
  const auto [size, transform] = GetParam();
  const Tensor basis = transform == PatchTransform::haar ? haar_basis(size) : at::eye(size * size, at::kDouble);
  const Tensor image = random_tensor({1, 1, 8, 4}, 3).to(at::kDouble);
  const Tensor split = Patches(size, transform).split(image);
  for (std::int64_t k = 0; k < size * size; ++k) {
    for (std::int64_t y = 0; y < 8 / size; ++y) {
      for (std::int64_t x = 0; x < 4 / size; ++x) {
        const Tensor patch = image[0][0].narrow(0, y * size, size).narrow(1, x * size, size).reshape({-1});
        EXPECT_NEAR(split[0][k][y][x].item<double>(), basis[k].dot(patch).item<double>(), 1e-12);
      }
    }
  }
}

TEST_P(PatchesOf, ANetworksGradientFollowsItsOutput) {
  const auto [size, transform] = GetParam();
  UNet network = random_unet(options_with_patches(size, transform));
  network.set_compute_type(at::kDouble);
  const std::int64_t height = 8 * size, width = 12 * size;
  const Tensor x = random_tensor({1, 3, height, width}, 4).to(at::kDouble).requires_grad_(true);
  const Tensor t = at::tensor({37}, at::kLong);
  const Tensor weights = random_tensor({1, 6, height, width}, 5).to(at::kDouble);
  const auto value = [&](const Tensor& at_x) { return (network(at_x, t) * weights).sum(); };
  value(x).backward();
  const at::NoGradGuard no_grad;
  const Tensor direction = random_tensor({1, 3, height, width}, 6).to(at::kDouble);
  constexpr double step = 1e-5;
  const double slope = (value(x + step * direction) - value(x - step * direction)).item<double>() / (2 * step);
  EXPECT_NEAR((x.grad() * direction).sum().item<double>(), slope, 1e-5 * std::abs(slope) + 1e-6);
}

TEST_P(PatchesOf, ANetworkGivesTheMeansChannelsBeforeTheVariances) {
  const auto [size, transform] = GetParam();
  const at::NoGradGuard no_grad;
  UNet network(options_with_patches(size, transform));  // its last convolution is zero: the bias alone comes out
  const std::int64_t pixels = size * size;
  for (const auto& [name, parameter] : network.parameters()) {
    if (name == "out.2.bias") parameter.narrow(0, 3 * pixels, 3 * pixels).fill_(1.0);
  }
  const Tensor output = network(random_tensor({1, 3, 8 * size, 12 * size}, 7), at::tensor({5}, at::kLong));
  EXPECT_EQ(output.narrow(1, 0, 3).abs().max().item<double>(), 0.0);
  EXPECT_GT(output.narrow(1, 3, 3).abs().max().item<double>(), 0.5);
}

TEST_P(PatchesOf, FastKernelsAndHalfPrecisionGiveTheSameNetwork) {
  const auto [size, transform] = GetParam();
  const at::NoGradGuard no_grad;
  UNet network = random_unet(options_with_patches(size, transform));
  const Tensor x = random_tensor({2, 3, 8 * size, 12 * size}, 8);
  const Tensor t = at::tensor({5, 900}, at::kLong);
  const Tensor fast = network(x, t);
  network.set_compute_type(at::kDouble);
  EXPECT_LT(largest_gap(network(x, t), fast), 2e-3);
}

TEST_P(PatchesOf, TheClassifierOfNoisyImagesHasThemToo) {
  const auto [size, transform] = GetParam();
  const at::NoGradGuard no_grad;
  UNetOptions network = options_with_patches(size, transform);
  network.head_channels = 16;
  NoisyClassifier classifier({.network = network, .classes = 3, .pool = ClassifierPool::attention});
  randomise(classifier.parameters());
  const Tensor scores = classifier(random_tensor({2, 3, 8 * size, 12 * size}, 9), at::tensor({5, 900}, at::kLong), {});
  EXPECT_EQ(scores.sizes(), at::IntArrayRef({2, 3}));
  EXPECT_GT(largest_gap(scores[0], scores[1]), 1e-4);
}

TEST_P(PatchesOf, LowResolutionImagesAreSeen) {
  const auto [size, transform] = GetParam();
  const at::NoGradGuard no_grad;
  UNetOptions options = options_with_patches(size, transform);
  options.super_resolution = true;
  const UNet network = random_unet(options);
  const Tensor x = random_tensor({1, 3, 8 * size, 12 * size}, 10);
  const Tensor t = at::tensor({5}, at::kLong);
  const Tensor one = network(x, t, {.low_resolution = random_tensor({1, 3, 4, 6}, 11)});
  EXPECT_GT(largest_gap(one, network(x, t, {.low_resolution = random_tensor({1, 3, 4, 6}, 12)})), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PatchesOf,
                         testing::Values(PatchKind{2, PatchTransform::unshuffle},
                                         PatchKind{4, PatchTransform::unshuffle}, PatchKind{2, PatchTransform::haar},
                                         PatchKind{4, PatchTransform::haar}),
                         [](const auto& kind) {
                           return std::string(kind.param.transform == PatchTransform::haar ? "haar" : "unshuffle") +
                                  std::to_string(kind.param.size);
                         });

TEST(HaarBasis, IsOrthonormalAndBeginsWithTheMean) {
  for (const std::int64_t size : {1, 2, 4}) {
    const Tensor basis = haar_basis(size);
    EXPECT_LT(largest_gap(at::matmul(basis, basis.t()), at::eye(size * size, at::kDouble)), 1e-14) << size;
    EXPECT_LT((basis[0] - 1.0 / static_cast<double>(size)).abs().max().item<double>(), 1e-14) << size;
    const Tensor means_of_differences = basis.slice(0, 1).sum(1).abs();
    EXPECT_EQ((means_of_differences > 1e-14).sum().item<std::int64_t>(), 0) << size;
  }
}

TEST(PatchOptions, AreRefusedWhereTheyDoNotFit) {
  const auto error_with = [](auto change) {
    UNetOptions options = small_options();
    change(options);
    return error_of([&] { resolved(options); });
  };
  EXPECT_EQ(error_with([](UNetOptions& options) { options.patch_size = 3; }),
            "Network option patch_size is 3; expected 1, 2 or 4.");
  EXPECT_EQ(error_with([](UNetOptions& options) {
              options.patch_size = 4;
              options.image_height = 18;
            }),
            "Network option patch_size is 4; expected a divisor of both sides of images of 18 x 8 pixels (height x "
            "width).");
  EXPECT_EQ(error_with([](UNetOptions& options) {
              options.patch_size = 4;
              options.image_height = 12;
            }),
            "Images of 12 x 8 pixels (height x width) don't fit the network: both must be divisible by its stride of "
            "8, which 2 channel_multipliers make with patches of 4.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.patch_transform = PatchTransform::haar; }),
            "Network option patch_transform is haar, but patches are single pixels; expected a patch_size of 2 or 4.");
}

TEST(PatchOptions, LevelsAreChosenForWhatIsInside) {
  UNetOptions options;
  options.image_height = options.image_width = 28;
  options.patch_size = 2;
  options.attention_resolutions = {7};
  EXPECT_EQ(resolved(options).channel_multipliers, std::vector<double>({1, 2}));
  EXPECT_EQ(level_sides(resolved(options)), std::vector<std::int64_t>({14, 7}));
  EXPECT_EQ(stride(options), 4);
}

TEST(PatchOptions, CostLessArithmetic) {
  UNetOptions options = small_options();
  options.image_height = options.image_width = 16;
  options.attention_resolutions = {};
  const double whole = network_statistics(options).forward.total();
  options.patch_size = 2;
  const double halved = network_statistics(options).forward.total();
  EXPECT_LT(halved, whole / 3.5);
  EXPECT_GT(halved, whole / 4.5);
}

}  // namespace
}  // namespace iddpm
