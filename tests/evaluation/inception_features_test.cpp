#include "iddpm/evaluation/features/inception_features.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "iddpm/io/file_hash.h"
#include "tests/expect_error.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

std::filesystem::path temporary(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("iddpm_inception_" + name);
}

// Weights of the right shapes that are quick to make, scaled so that activations neither vanish nor explode.
NamedTensors some_weights() {
  NamedTensors weights;
  for (const InceptionBlock& block : fid_inception_layout()) {
    for (const InceptionBranch& branch : block.branches) {
      auto layers = branch.chain;
      layers.insert(layers.end(), branch.split.begin(), branch.split.end());
      for (const auto& layer : layers) {
        const Tensor count = at::arange(layer.outputs * layer.inputs * layer.kernel[0] * layer.kernel[1], at::kFloat);
        const double scale = 1.0 / std::sqrt(static_cast<double>(layer.inputs * layer.kernel[0] * layer.kernel[1]));
        weights.emplace_back(
            layer.name + ".conv.weight",
            (at::sin(count * 12.9898) * scale).view({layer.outputs, layer.inputs, layer.kernel[0], layer.kernel[1]}));
        weights.emplace_back(layer.name + ".bn.weight", at::ones({layer.outputs}));
        weights.emplace_back(layer.name + ".bn.bias", at::full({layer.outputs}, 0.1));
        weights.emplace_back(layer.name + ".bn.running_mean", at::zeros({layer.outputs}));
        weights.emplace_back(layer.name + ".bn.running_var", at::full({layer.outputs}, 0.5));
      }
    }
  }
  weights.emplace_back("fc.weight", at::sin(at::arange(1008 * 2048, at::kFloat)).view({1008, 2048}) * 0.02);
  return weights;
}

TEST(InceptionLayout, HasTheConvolutionsOfInceptionV3) {
  std::int64_t convolutions = 0;
  std::int64_t parameters = 0;
  const auto count = [&](const std::vector<InceptionConvolution>& layers) {
    for (const auto& layer : layers) {
      ++convolutions;
      parameters += layer.inputs * layer.outputs * layer.kernel[0] * layer.kernel[1] + 2 * layer.outputs;
    }
  };
  for (const InceptionBlock& block : fid_inception_layout()) {
    for (const InceptionBranch& branch : block.branches) {
      count(branch.chain);
      count(branch.split);
    }
  }
  EXPECT_EQ(convolutions, 94);
  EXPECT_EQ(parameters, 21785568);  // torchvision's inception_v3 without its classifiers
}

TEST(InceptionNetwork, KeepsItsPromisesOnAnyWeights) {
  const NamedTensors weights = some_weights();
  const InceptionNetwork network(weights);
  EXPECT_FALSE(network.space().is_fid);
  EXPECT_EQ(network.space().dimensions, 2048);
  EXPECT_EQ(network.space().sha256, sha256_of_tensors(weights));

  const Tensor grey = (at::arange(2 * 9 * 7, at::kFloat) * 37.0).remainder(256.0).to(at::kByte).view({2, 1, 9, 7});
  const Features features = network.features(grey);
  EXPECT_EQ(format_shape(features.pooled.sizes()), "[2, 2048]");
  EXPECT_EQ(format_shape(features.spatial.sizes()), "[2, 2023]");
  EXPECT_TRUE(all_close(features.probabilities.sum(1), at::ones({2}), 1e-5, 0.0));
  const double deviation = features.pooled.std().item<double>();
  EXPECT_GT(deviation, 0.0);
  const Features alone = network.features(grey.slice(0, 1).expand({1, 3, 9, 7}));
  EXPECT_TRUE(all_close(alone.pooled, features.pooled.slice(0, 1), 1e-4 * deviation, 0.0))
      << "grey images are those with three equal channels, and an image's features don't depend on its batch";
  expect_error([&] { network.features(at::zeros({1, 4, 8, 8})); }, {"[1, 4, 8, 8]"});

  // Other weights than the published ones may be kept and loaded, but aren't called FID's, even if the file says so.
  const auto path = temporary("weights.safetensors");
  write_safetensors(path, weights, {{"origin_sha256", published_inception_file::sha256}, {"weights_sha256", "0"}});
  const InceptionNetwork loaded = InceptionNetwork::load(path);
  EXPECT_EQ(loaded.space(), network.space());
  std::filesystem::remove(path);
}

TEST(InceptionNetwork, NamesAWeightThatIsMissingOrOfAnotherShape) {
  NamedTensors weights = {{"Conv2d_1a_3x3.conv.weight", at::zeros({32, 3, 3, 3})}};
  expect_error([&] { InceptionNetwork network(weights); }, {"Conv2d_1a_3x3.bn.weight", "missing"});
  weights[0].second = at::zeros({32, 3, 5, 5});
  expect_error([&] { InceptionNetwork network(weights); }, {"[32, 3, 3, 3]", "[32, 3, 5, 5]"});
  const auto path = temporary("other.safetensors");
  write_safetensors(path, weights);
  expect_error([&] { InceptionNetwork::load(path); }, {path.string(), "Conv2d_1a_3x3.conv.weight"});
  std::filesystem::remove(path);
}

TEST(PublishedInceptionFile, IsToldFromOthersBySizeAndHash) {
  EXPECT_TRUE(std::string(published_inception_file::name).find(std::string(published_inception_file::sha256, 8)) !=
              std::string::npos);
  const auto path = temporary("fake.pth");
  std::ofstream(path, std::ios::binary) << "not it";
  expect_error([&] { check_published_inception_file(path); }, {path.string(), "95628359", " 6"});
  std::filesystem::resize_file(path, published_inception_file::size);  // sparse
  expect_error([&] { check_published_inception_file(path); }, {path.string(), published_inception_file::sha256});
  expect_error([&] { convert_inception_weights(path, temporary("never.safetensors")); }, {path.string()});
  EXPECT_FALSE(std::filesystem::exists(temporary("never.safetensors")));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace iddpm
