#include "iddpm/interchange/onnx_export.h"

#include <cmath>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/interchange/known_options.h"
#include "iddpm/interchange/onnx_graph.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/nn/patches.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {
namespace {

using Value = OnnxGraph::Value;

/// Writes the operators of a U-Net, layer by layer as its layout has them (nn/unet.cpp and the blocks are what it
/// follows).
class OnnxUNet {
 public:
  OnnxUNet(const UNetOptions& options, const NamedTensors& weights)
      : options_(options), weights_(weights.begin(), weights.end()) {}

  std::string serialized(const std::string& settings);

 private:
  const Tensor& weight(const std::string& name) const { return weights_.at(name); }
  Value silu(const Value& x) { return graph_.apply("Mul", {x, graph_.apply("Sigmoid", {x})}); }
  Value reshaped(const Value& x, const std::vector<std::int64_t>& shape) {
    return graph_.apply("Reshape", {x, graph_.constant(shape)});
  }
  Value linear(const std::string& name, const Value& x);
  Value convolution(const std::string& name, const Value& x, std::int64_t stride = 1, bool pads_low_edges = false);
  Value normalized(const std::string& name, const Value& x, const LayerPlan& plan, std::int64_t channels);
  Value resampled(const Value& x, LayerResampling resampling);
  Value divided(const Value& x, double divisor);
  Value embedding(const Value& t);
  Value network_input();
  Value split_into_patches(const Value& images, std::int64_t channels);
  Value joined_patches(const Value& patches, std::int64_t channels);
  Value in_wavelets(const Value& patches, std::int64_t channels, bool back);
  Value residual(const std::string& name, const Value& x, LayerPlan plan);
  Value attention(const std::string& name, const Value& x, const LayerPlan& plan);
  Value block(const std::string& name, Value x, const BlockPlan& plan);

  const UNetOptions& options_;
  std::map<std::string, Tensor> weights_;
  OnnxGraph graph_;
  Value embedding_ = {};
};

Value OnnxUNet::linear(const std::string& name, const Value& x) {
  return graph_.apply("Gemm", {x, graph_.constant(weight(name + ".weight")), graph_.constant(weight(name + ".bias"))},
                      {{"transB", std::int64_t{1}}});
}

Value OnnxUNet::convolution(const std::string& name, const Value& x, std::int64_t stride, bool pads_low_edges) {
  Tensor kernel = weight(name + ".weight");
  if (kernel.dim() == 3) kernel = kernel.unsqueeze(3);
  const std::int64_t padding = kernel.size(2) / 2;
  const std::int64_t before = pads_low_edges ? 0 : padding;
  return graph_.apply("Conv", {x, graph_.constant(kernel), graph_.constant(weight(name + ".bias"))},
                      {{"kernel_shape", std::vector<std::int64_t>{kernel.size(2), kernel.size(3)}},
                       {"strides", std::vector<std::int64_t>{stride, stride}},
                       {"pads", std::vector<std::int64_t>{before, before, padding, padding}}});
}

// Group normalisation as the normalisation of instances whose channels are the groups.
Value OnnxUNet::normalized(const std::string& name, const Value& x, const LayerPlan& plan, std::int64_t channels) {
  const std::int64_t groups = options_.norm_groups;
  const Value by_group = graph_.apply(
      "InstanceNormalization",
      {reshaped(x, {0, groups, -1}), graph_.constant(at::ones(groups)), graph_.constant(at::zeros(groups))},
      {{"epsilon", options_.norm_epsilon}});
  const Value whole = reshaped(by_group, {0, channels, plan.height, plan.width});
  const Value scaled = graph_.apply("Mul", {whole, graph_.constant(weight(name + ".weight").view({-1, 1, 1}))});
  return graph_.apply("Add", {scaled, graph_.constant(weight(name + ".bias").view({-1, 1, 1}))});
}

Value OnnxUNet::resampled(const Value& x, LayerResampling resampling) {
  if (resampling == LayerResampling::none) return x;
  if (resampling == LayerResampling::down) {
    return graph_.apply(
        "AveragePool", {x},
        {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
  }
  return graph_.apply("Resize", {x, "", graph_.constant(at::tensor({1.0F, 1.0F, 2.0F, 2.0F}))},
                      {{"mode", std::string("nearest")},
                       {"coordinate_transformation_mode", std::string("asymmetric")},
                       {"nearest_mode", std::string("floor")}});
}

Value OnnxUNet::divided(const Value& x, double divisor) {
  return divisor == 1.0 ? x : graph_.apply("Div", {x, graph_.constant(static_cast<float>(divisor))});
}

// SiLU of the embedding of t and class, as Encoder::embedding.
Value OnnxUNet::embedding(const Value& t) {
  const std::int64_t half = options_.channels / 2;
  require(options_.channels % 2 == 0, ErrorKind::unsupported,
          "ONNX: the embedding of t has {} channels; expected an even number", options_.channels);
  const Tensor frequencies = at::exp(at::arange(half, at::TensorOptions(at::kFloat)) * -std::log(10000.0) /
                                     (static_cast<double>(half) - options_.frequency_shift));
  const Value column = reshaped(t, {-1, 1});
  const Value angles = graph_.apply("Mul", {column, graph_.constant(frequencies.view({1, half}))});
  const Value waves = graph_.apply("Concat", {graph_.apply("Cos", {angles}), graph_.apply("Sin", {angles})},
                                   {{"axis", std::int64_t{1}}});
  Value embedding = linear("time_embed.2", silu(linear("time_embed.0", waves)));
  if (options_.classes > 0) {
    const Value y = graph_.input("y", at::kLong, {"batch"});
    const Value none = graph_.constant(std::vector<std::int64_t>{0});
    const Value of_class =
        graph_.apply("Gather", {graph_.constant(weight("label_emb.weight")), graph_.apply("Max", {y, none})});
    const Value has_class =
        graph_.apply("Cast", {graph_.apply("GreaterOrEqual", {y, none})}, {{"to", std::int64_t{1}}});
    embedding = graph_.apply("Add", {embedding, graph_.apply("Mul", {of_class, reshaped(has_class, {-1, 1})})});
  }
  return silu(embedding);
}

Value OnnxUNet::network_input() {
  const std::vector<OnnxGraph::Extent> shape = {"batch", options_.image_channels, options_.image_height,
                                                options_.image_width};
  Value x = graph_.input("x", at::kFloat, shape);
  if (options_.super_resolution) {
    require(options_.low_resolution > 0, ErrorKind::unsupported,
            "ONNX: the model enlarges images of a size that its file doesn't say (low_resolution is 0)");
    const std::vector<std::int64_t> small = low_resolution_shape(options_);
    const Value low = graph_.input("low_resolution", at::kFloat, {"batch", small[0], small[1], small[2]});
    const float factor = static_cast<float>(options_.image_height) / static_cast<float>(small[1]);
    const Value large =
        graph_.apply("Resize", {low, "", graph_.constant(at::tensor({1.0F, 1.0F, factor, factor}))},
                     {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("half_pixel")}});
    x = graph_.apply("Concat", {x, large}, {{"axis", std::int64_t{1}}});
  }
  if (!options_.center_input) return x;
  return graph_.apply("Sub", {graph_.apply("Mul", {x, graph_.constant(2.0F)}), graph_.constant(1.0F)});
}

// Patches::split and join (nn/patches.h): pixels of a patch to channels, and back.
Value OnnxUNet::split_into_patches(const Value& images, std::int64_t channels) {
  const std::int64_t p = options_.patch_size;
  if (p == 1) return images;
  const std::int64_t height = options_.image_height / p, width = options_.image_width / p;
  const Value parted = reshaped(images, {0, channels, height, p, width, p});
  const Value turned = graph_.apply("Transpose", {parted}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 5, 2, 4}}});
  return in_wavelets(reshaped(turned, {0, channels * p * p, height, width}), channels, /*back=*/false);
}

Value OnnxUNet::joined_patches(const Value& patches, std::int64_t channels) {
  const std::int64_t p = options_.patch_size;
  if (p == 1) return patches;
  const std::int64_t height = options_.image_height / p, width = options_.image_width / p;
  const Value pixels = in_wavelets(patches, channels, /*back=*/true);
  const Value parted = reshaped(pixels, {0, channels, p, p, height, width});
  const Value turned = graph_.apply("Transpose", {parted}, {{"perm", std::vector<std::int64_t>{0, 1, 4, 2, 5, 3}}});
  return reshaped(turned, {0, channels, options_.image_height, options_.image_width});
}

Value OnnxUNet::in_wavelets(const Value& patches, std::int64_t channels, bool back) {
  if (options_.patch_transform != PatchTransform::haar) return patches;
  const std::int64_t p = options_.patch_size;
  const Tensor basis = haar_basis(p).to(at::kFloat);
  const Value by_patch = reshaped(patches, {0, channels, p * p, -1});
  const Value changed = graph_.apply("MatMul", {graph_.constant(back ? basis.t() : basis), by_patch});
  return reshaped(changed, {0, channels * p * p, options_.image_height / p, options_.image_width / p});
}

Value OnnxUNet::residual(const std::string& name, const Value& x, LayerPlan plan) {
  Value h = silu(normalized(name + ".in_layers.0", x, plan, plan.in_channels));
  h = convolution(name + ".in_layers.2", resampled(h, plan.resampling));
  const Value shortcut = resampled(x, plan.resampling);
  if (plan.resampling == LayerResampling::down) plan.height /= 2, plan.width /= 2;
  if (plan.resampling == LayerResampling::up) plan.height *= 2, plan.width *= 2;
  const Value conditioning = linear(name + ".emb_layers.1", embedding_);
  if (options_.scale_shift_norm) {
    const std::vector<Value> parts = graph_.apply_to_many(
        "Split", {reshaped(conditioning, {0, 2 * plan.out_channels, 1, 1})}, 2, {{"axis", std::int64_t{1}}});
    const Value norm = normalized(name + ".out_layers.0", h, plan, plan.out_channels);
    const Value scale = graph_.apply("Add", {parts[0], graph_.constant(1.0F)});
    h = graph_.apply("Add", {graph_.apply("Mul", {norm, scale}), parts[1]});
  } else {
    h = graph_.apply("Add", {h, reshaped(conditioning, {0, plan.out_channels, 1, 1})});
    h = normalized(name + ".out_layers.0", h, plan, plan.out_channels);
  }
  h = convolution(name + ".out_layers.3", silu(h));
  const bool projects = plan.in_channels != plan.out_channels;
  const Value kept = projects ? convolution(name + ".skip_connection", shortcut) : shortcut;
  return divided(graph_.apply("Add", {kept, h}), plan.divisor);
}

Value OnnxUNet::attention(const std::string& name, const Value& x, const LayerPlan& plan) {
  const std::int64_t width = plan.in_channels / plan.heads;
  const Value norm = plan.normalized ? normalized(name + ".norm", x, plan, plan.in_channels) : x;
  const Value qkv = convolution(name + ".qkv", norm);
  std::vector<Value> parts;  // each [batch, heads, width, pixels]
  if (options_.qkv_order == kernels::QkvOrder::heads_first) {
    const Value by_head = reshaped(qkv, {0, plan.heads, 3 * width, -1});
    parts = graph_.apply_to_many("Split", {by_head}, 3, {{"axis", std::int64_t{2}}});
  } else {
    for (const Value& part : graph_.apply_to_many("Split", {qkv}, 3, {{"axis", std::int64_t{1}}})) {
      parts.push_back(reshaped(part, {0, plan.heads, width, -1}));
    }
  }
  const std::vector<std::int64_t> turned = {0, 1, 3, 2};
  const Value products = graph_.apply("MatMul", {graph_.apply("Transpose", {parts[0]}, {{"perm", turned}}), parts[1]});
  const Value scaled =
      graph_.apply("Mul", {products, graph_.constant(static_cast<float>(1.0 / std::sqrt(static_cast<double>(width))))});
  const Value shares = graph_.apply("Softmax", {scaled}, {{"axis", std::int64_t{-1}}});
  const Value attended = graph_.apply("MatMul", {parts[2], graph_.apply("Transpose", {shares}, {{"perm", turned}})});
  const Value image = reshaped(attended, {0, plan.in_channels, plan.height, plan.width});
  return divided(graph_.apply("Add", {x, convolution(name + ".proj_out", image)}), plan.divisor);
}

Value OnnxUNet::block(const std::string& name, Value x, const BlockPlan& plan) {
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const std::string layer = fmt::format("{}.{}", name, i);
    switch (plan[i].kind) {
      case LayerKind::convolution:
        x = convolution(layer, x);
        break;
      case LayerKind::residual:
        x = residual(layer, x, plan[i]);
        break;
      case LayerKind::attention:
        x = attention(layer, x, plan[i]);
        break;
      case LayerKind::downsample:
        x = options_.convolutional_resampling ? convolution(layer + ".op", x, 2, options_.downsampling_pads_low_edges)
                                              : resampled(x, LayerResampling::down);
        break;
      case LayerKind::upsample:
        x = resampled(x, LayerResampling::up);
        if (options_.convolutional_resampling) x = convolution(layer + ".conv", x);
        break;
    }
  }
  return x;
}

std::string OnnxUNet::serialized(const std::string& settings) {
  const UNetLayout layout = unet_layout(options_);
  Value h = split_into_patches(network_input(), options_.image_channels * (options_.super_resolution ? 2 : 1));
  embedding_ = embedding(graph_.input("t", at::kFloat, {"batch"}));
  std::vector<Value> skips;
  for (std::size_t i = 0; i < layout.input_blocks.size(); ++i) {
    h = block(fmt::format("input_blocks.{}", i), h, layout.input_blocks[i]);
    skips.push_back(h);
  }
  h = block("middle_block", h, layout.middle_block);
  for (std::size_t i = 0; i < layout.output_blocks.size(); ++i) {
    h = graph_.apply("Concat", {h, skips.back()}, {{"axis", std::int64_t{1}}});
    skips.pop_back();
    h = block(fmt::format("output_blocks.{}", i), h, layout.output_blocks[i]);
  }
  const LayerPlan whole = {.height = options_.image_height / options_.patch_size,
                           .width = options_.image_width / options_.patch_size};
  h = convolution("out.2", silu(normalized("out.0", h, whole, layout.last_channels)));
  const std::int64_t channels = layout.out_channels / (options_.patch_size * options_.patch_size);
  h = joined_patches(h, channels);
  graph_.output(h, "output", {"batch", channels, options_.image_height, options_.image_width});
  graph_.describe("iddpm", settings);
  return graph_.serialized();
}

}  // namespace

void export_to_onnx(const Checkpoint& checkpoint, const WeightChoice& choice, const std::filesystem::path& path) {
  ModelSettings settings = checkpoint.info().settings;
  refuse_options_unknown_to_exports(settings.network, "ONNX export");
  settings.network = resolved(settings.network);
  OnnxUNet network(settings.network, checkpoint.weights(choice));
  const nlohmann::json description = settings;
  write_file_atomically(path, network.serialized(description.dump()));
}

}  // namespace iddpm
