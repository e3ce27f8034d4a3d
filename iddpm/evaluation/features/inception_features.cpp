#include "iddpm/evaluation/features/inception_features.h"

#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pytorch_checkpoint.h"

namespace iddpm {
namespace {

constexpr std::int64_t pooled_features = 2048;
constexpr std::int64_t classes = 1008;
constexpr std::int64_t spatial_channels = 7;  // sFID's share of Mixed_6d: 7 * 17 * 17 = 2023, close to 2048
constexpr std::int64_t input_size = 299;
constexpr double batch_norm_epsilon = 1e-3;
constexpr const char* origin_key = "origin_sha256";
constexpr const char* weights_key = "weights_sha256";

struct ExpectedWeight {
  std::string name;
  std::vector<std::int64_t> shape;
};

void for_each_convolution(const std::vector<InceptionBlock>& layout, const auto& visit) {
  for (const InceptionBlock& block : layout) {
    for (const InceptionBranch& branch : block.branches) {
      for (const InceptionConvolution& layer : branch.chain) visit(layer);
      for (const InceptionConvolution& layer : branch.split) visit(layer);
    }
  }
}

std::vector<ExpectedWeight> expected_weights(const std::vector<InceptionBlock>& layout) {
  std::vector<ExpectedWeight> expected;
  for_each_convolution(layout, [&](const InceptionConvolution& layer) {
    expected.push_back({layer.name + ".conv.weight", {layer.outputs, layer.inputs, layer.kernel[0], layer.kernel[1]}});
    for (const char* part : {"weight", "bias", "running_mean", "running_var"}) {
      expected.push_back({layer.name + ".bn." + part, {layer.outputs}});
    }
  });
  expected.push_back({"fc.weight", {classes, pooled_features}});
  return expected;
}

// The weights that the network is made of, in the layout's order, as float32 on the CPU.
NamedTensors select_weights(const std::vector<InceptionBlock>& layout, const NamedTensors& weights) {
  const std::map<std::string, Tensor> by_name(weights.begin(), weights.end());
  NamedTensors selected;
  for (const auto& [name, shape] : expected_weights(layout)) {
    const auto found = by_name.find(name);
    require(found != by_name.end(), "Inception weights: {} is missing", name);
    require(found->second.sizes() == at::IntArrayRef(shape), "Inception weights: expected {} of shape {}, got {}", name,
            format_shape(shape), format_shape(found->second.sizes()));
    selected.emplace_back(name, found->second.detach().to(at::kCPU, at::kFloat).contiguous());
  }
  return selected;
}

Tensor pool(InceptionPool kind, const Tensor& x) {
  switch (kind) {
    case InceptionPool::none:
      return x;
    case InceptionPool::average:
      return at::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, /*ceil_mode=*/false, /*count_include_pad=*/false);
    case InceptionPool::largest:
      return at::max_pool2d(x, {3, 3}, {1, 1}, {1, 1});
    case InceptionPool::largest_halve:
      return at::max_pool2d(x, {3, 3}, {2, 2});
  }
  fail("Inception: unknown kind of pooling {}", static_cast<int>(kind));
}

}  // namespace

void check_published_inception_file(const std::filesystem::path& path) {
  const std::uint64_t size = InputFile(path).size();
  require(size == published_inception_file::size, "{}: expected {}, which has {} bytes, got a file of {}",
          path.string(), published_inception_file::name, published_inception_file::size, size);
  const std::string hash = sha256_of_file(path);
  require(hash == published_inception_file::sha256, "{}: expected {}, whose SHA-256 is {}, got a file with {}",
          path.string(), published_inception_file::name, published_inception_file::sha256, hash);
}

void convert_inception_weights(const std::filesystem::path& published, const std::filesystem::path& output) {
  check_published_inception_file(published);
  const NamedTensors weights = select_weights(fid_inception_layout(), read_pytorch_checkpoint(published));
  write_safetensors(output, weights,
                    {{"network", "Inception 2015 (FID)"},
                     {"origin", published_inception_file::name},
                     {origin_key, published_inception_file::sha256},
                     {weights_key, sha256_of_tensors(weights)}});
}

InceptionNetwork::InceptionNetwork(const NamedTensors& weights, bool published) : layout_(fid_inception_layout()) {
  const NamedTensors selected = select_weights(layout_, weights);
  const std::map<std::string, Tensor> by_name(selected.begin(), selected.end());
  for_each_convolution(layout_, [&](const InceptionConvolution& layer) {
    const auto part = [&](const char* name) { return by_name.at(layer.name + name).to(at::kDouble); };
    const Tensor scale = part(".bn.weight") / (part(".bn.running_var") + batch_norm_epsilon).sqrt();
    const Tensor weight = part(".conv.weight") * scale.view({-1, 1, 1, 1});
    const Tensor bias = part(".bn.bias") - part(".bn.running_mean") * scale;
    convolutions_[layer.name] = {.weight = weight.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast),
                                 .bias = bias.to(at::kFloat)};
  });
  classifier_ = by_name.at("fc.weight");
  space_ = {.network = published ? "Inception 2015 (FID)" : "Inception 2015 with other weights than FID's",
            .sha256 = sha256_of_tensors(selected),
            .dimensions = pooled_features,
            .is_fid = published};
}

InceptionNetwork InceptionNetwork::load(const std::filesystem::path& path) {
  if (is_pytorch_checkpoint(path)) {
    check_published_inception_file(path);
    return InceptionNetwork(read_pytorch_checkpoint(path), true);
  }
  const SafetensorsFile file(path);
  file.require_memory_for_all();
  NamedTensors weights;
  for (const auto& [name, shape] : expected_weights(fid_inception_layout())) {
    require(file.contains(name) && file.shape(name) == shape,
            "{}: expected the weights of FID's Inception network, {} of shape {} among them", path.string(), name,
            format_shape(shape));
    weights.emplace_back(name, file.tensor(name));
  }
  const auto says = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  return InceptionNetwork(
      weights, says(origin_key) == published_inception_file::sha256 && says(weights_key) == sha256_of_tensors(weights));
}

Tensor InceptionNetwork::apply(const InceptionConvolution& layer, const Tensor& x) const {
  const Convolution& convolution = convolutions_.at(layer.name);
  return at::conv2d(x, convolution.weight, convolution.bias, at::IntArrayRef(layer.stride), layer.padding).relu_();
}

Tensor InceptionNetwork::apply(const InceptionBlock& block, const Tensor& x) const {
  std::vector<Tensor> outputs;
  for (const InceptionBranch& branch : block.branches) {
    Tensor h = pool(branch.pool, x);
    for (const InceptionConvolution& layer : branch.chain) h = apply(layer, h);
    if (branch.split.empty()) outputs.push_back(h);
    for (const InceptionConvolution& layer : branch.split) outputs.push_back(apply(layer, h));
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs, 1);
}

Features InceptionNetwork::features(const Tensor& images) const {
  require(images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3) && images.size(2) > 0 && images.size(3) > 0,
          "Inception: expected images [N, 1 or 3, H, W], got {}", format_shape(images.sizes()));
  const at::NoGradGuard no_gradients;
  Tensor x = images.to(classifier_.device(), at::kFloat).expand({images.size(0), 3, images.size(2), images.size(3)});
  x = at::upsample_bilinear2d(x, {input_size, input_size}, /*align_corners=*/false);
  x = (x / 127.5 - 1.0).contiguous(at::MemoryFormat::ChannelsLast);
  Features features;
  for (const InceptionBlock& block : layout_) {
    x = apply(block, x);
    if (block.name == "Mixed_6d") features.spatial = x.slice(1, 0, spatial_channels).reshape({x.size(0), -1});
  }
  features.pooled = x.mean({2, 3});
  features.probabilities = at::linear(features.pooled, classifier_).softmax(1);
  return features;
}

InceptionNetwork InceptionNetwork::to(at::Device device) const {
  InceptionNetwork moved = *this;
  moved.classifier_ = classifier_.to(device);
  for (auto& [name, convolution] : moved.convolutions_) {
    convolution = {.weight = convolution.weight.to(device), .bias = convolution.bias.to(device)};
  }
  return moved;
}

}  // namespace iddpm
