#include "iddpm/model/diffusers/weight_names.h"

#include <map>
#include <set>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"
#include "iddpm/nn/shape_misfit.h"
#include "iddpm/nn/unet.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm::diffusers {
namespace {

/// Walks a network's layout and writes down which of their names belong to which of ours.
class Namer {
 public:
  explicit Namer(const UNetOptions& options) : layout_(unet_layout(options)) {
    add_linear("time_embed.0", "time_embedding.linear_1");
    pairs_.front().form = WeightForm::of_time;
    add_linear("time_embed.2", "time_embedding.linear_2");
    if (options.classes > 0) add("label_emb.weight", {"class_embedding.weight"});
    add_input_blocks();
    add_middle();
    add_output_blocks();
    add_linear("out.0", "conv_norm_out");
    add_linear("out.2", "conv_out");
  }

  std::vector<WeightPair> pairs_;

 private:
  void add(const std::string& ours, std::vector<std::string> theirs, WeightForm form = WeightForm::same) {
    pairs_.push_back({ours, std::move(theirs), form});
  }
  // Anything with a weight and a bias.
  void add_linear(const std::string& ours, const std::string& theirs) {
    add(ours + ".weight", {theirs + ".weight"});
    add(ours + ".bias", {theirs + ".bias"});
  }
  void add_residual(const std::string& ours, const std::string& theirs, const LayerPlan& plan) {
    add_linear(ours + ".in_layers.0", theirs + ".norm1");
    add_linear(ours + ".in_layers.2", theirs + ".conv1");
    add_linear(ours + ".emb_layers.1", theirs + ".time_emb_proj");
    add_linear(ours + ".out_layers.0", theirs + ".norm2");
    add_linear(ours + ".out_layers.3", theirs + ".conv2");
    if (plan.in_channels != plan.out_channels) add_linear(ours + ".skip_connection", theirs + ".conv_shortcut");
  }
  void add_attention(const std::string& ours, const std::string& theirs, const LayerPlan& plan) {
    if (plan.normalized) add_linear(ours + ".norm", theirs + ".group_norm");
    for (const char* kind : {".weight", ".bias"}) {
      add(ours + ".qkv" + kind, {theirs + ".to_q" + kind, theirs + ".to_k" + kind, theirs + ".to_v" + kind},
          WeightForm::qkv);
    }
    add(ours + ".proj_out.weight", {theirs + ".to_out.0.weight"}, WeightForm::pointwise);
    add(ours + ".proj_out.bias", {theirs + ".to_out.0.bias"});
  }
  // The layers of one of our blocks, the `index`-th with a residual block on its level.
  void add_block(const std::string& ours, const std::string& theirs, const BlockPlan& block, std::size_t index) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      const LayerPlan& plan = block[i];
      const std::string name = fmt::format("{}.{}", ours, i);
      switch (plan.kind) {
        case LayerKind::convolution:
          add_linear(name, "conv_in");
          break;
        case LayerKind::residual:
          add_residual(name, theirs + resampler_or(plan, fmt::format(".resnets.{}", index)), plan);
          break;
        case LayerKind::attention:
          add_attention(name, fmt::format("{}.attentions.{}", theirs, index), plan);
          break;
        case LayerKind::downsample:
          add_linear(name + ".op", theirs + ".downsamplers.0.conv");
          break;
        case LayerKind::upsample:
          add_linear(name + ".conv", theirs + ".upsamplers.0.conv");
          break;
      }
    }
  }
  static std::string resampler_or(const LayerPlan& plan, const std::string& otherwise) {
    if (plan.resampling == Resampling::down) return ".downsamplers.0";
    return plan.resampling == Resampling::up ? ".upsamplers.0" : otherwise;
  }
  static bool halves(const LayerPlan& plan) { return plan.resampling == Resampling::down; }

  void add_input_blocks() {
    std::size_t level = 0, index = 0;
    for (std::size_t i = 0; i < layout_.input_blocks.size(); ++i) {
      const BlockPlan& block = layout_.input_blocks[i];
      add_block(fmt::format("input_blocks.{}", i), fmt::format("down_blocks.{}", level), block, index);
      if (i == 0) continue;
      ++index;
      if (halves(block.front())) {
        ++level;
        index = 0;
      }
    }
  }
  void add_middle() {
    std::size_t residuals = 0;
    for (std::size_t i = 0; i < layout_.middle_block.size(); ++i) {
      const LayerPlan& plan = layout_.middle_block[i];
      const std::string name = fmt::format("middle_block.{}", i);
      if (plan.kind == LayerKind::attention) {
        add_attention(name, "mid_block.attentions.0", plan);
      } else {
        add_residual(name, fmt::format("mid_block.resnets.{}", residuals++), plan);
      }
    }
  }
  void add_output_blocks() {
    std::size_t level = 0, index = 0;
    for (std::size_t i = 0; i < layout_.output_blocks.size(); ++i) {
      const BlockPlan& block = layout_.output_blocks[i];
      add_block(fmt::format("output_blocks.{}", i), fmt::format("up_blocks.{}", level), block, index);
      ++index;
      if (block.back().resampling == Resampling::up) {
        ++level;
        index = 0;
      }
    }
  }

  UNetLayout layout_;
};

// Attention's weights as the first versions called them.
std::string present_name(std::string name) {
  static const std::map<std::string, std::string> older = {
      {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};
  const std::size_t place = name.find(".attentions.");
  if (place == std::string::npos) return name;
  const std::size_t kind = name.rfind('.');
  const std::size_t layer = kind == std::string::npos || kind == 0 ? kind : name.rfind('.', kind - 1);
  if (kind == std::string::npos || layer == std::string::npos || layer < place) return name;
  const auto found = older.find(name.substr(layer + 1, kind - layer - 1));
  return found == older.end() ? name : name.substr(0, layer + 1) + found->second + name.substr(kind);
}

// Of the tensors that theirs are, from the shape that ours has.
std::vector<std::int64_t> their_shape(const std::vector<std::int64_t>& ours, WeightForm form) {
  std::vector<std::int64_t> shape = ours;
  if (form == WeightForm::qkv) shape.front() /= 3;
  if ((form == WeightForm::qkv || form == WeightForm::pointwise) && shape.size() == 3) shape.pop_back();
  return shape;
}

std::map<std::string, std::vector<std::int64_t>> shapes_by_name(const UNetOptions& options) {
  const NamedShapes shapes = UNet::parameter_shapes(options);
  return {shapes.begin(), shapes.end()};
}

// Columns of sines and columns of cosines, one for the other; a last one of an odd width stays.
Tensor with_halves_exchanged(const Tensor& weight) {
  const std::int64_t half = weight.size(1) / 2;
  return at::cat({weight.narrow(1, half, half), weight.narrow(1, 0, half), weight.slice(1, 2 * half)}, 1);
}

// Rows of a query, key and value of all heads, in the order that ours has them: by head, or as they are.
Tensor joined_qkv(const std::vector<Tensor>& parts, std::int64_t heads, kernels::QkvOrder order) {
  if (order == kernels::QkvOrder::qkv_first) return at::cat(parts, 0);
  std::vector<Tensor> by_head;
  for (const Tensor& part : parts) by_head.push_back(part.reshape({heads, -1, part.numel() / part.size(0)}));
  return at::cat(by_head, 1).reshape({3 * parts.front().size(0), -1});
}

std::vector<Tensor> parted_qkv(const Tensor& joined, std::int64_t heads, kernels::QkvOrder order) {
  if (order == kernels::QkvOrder::qkv_first) return joined.chunk(3, 0);
  const std::vector<Tensor> by_head = joined.reshape({heads, 3, -1, joined.numel() / joined.size(0)}).unbind(1);
  std::vector<Tensor> parts;
  for (const Tensor& part : by_head) parts.push_back(part.reshape({joined.size(0) / 3, -1}));
  return parts;
}

// Heads of every attention, by the name of its layer.
std::map<std::string, std::int64_t> heads_by_layer(const UNetOptions& options) {
  const UNetLayout layout = unet_layout(options);
  std::map<std::string, std::int64_t> heads;
  const auto look = [&](const std::string& name, const BlockPlan& block) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block[i].kind == LayerKind::attention) heads[fmt::format("{}.{}.qkv", name, i)] = block[i].heads;
    }
  };
  for (std::size_t i = 0; i < layout.input_blocks.size(); ++i)
    look(fmt::format("input_blocks.{}", i), layout.input_blocks[i]);
  look("middle_block", layout.middle_block);
  for (std::size_t i = 0; i < layout.output_blocks.size(); ++i)
    look(fmt::format("output_blocks.{}", i), layout.output_blocks[i]);
  return heads;
}

std::string layer_of(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }

}  // namespace

std::vector<WeightPair> weight_pairs(const UNetOptions& options) { return Namer(options).pairs_; }

NamedTensors our_weights(const UNetOptions& options, bool sines_first, NamedTensors theirs, const std::string& where) {
  const auto our_shapes = shapes_by_name(options);
  const auto heads = heads_by_layer(options);
  const std::vector<WeightPair> pairs = weight_pairs(options);
  std::map<std::string, Tensor> by_name;
  NamedShapes expected, found;
  for (auto& [stored_name, tensor] : theirs) {
    const std::string name = present_name(stored_name);
    require(at::isFloatingType(tensor.scalar_type()), "{}: parameter {} has type {}; expected floating-point numbers",
            where, quote(stored_name), c10::toString(tensor.scalar_type()));
    require(by_name.emplace(name, tensor.to(at::kFloat)).second, "{}: parameter {} is there twice", where, quote(name));
    found.emplace_back(name, tensor.sizes().vec());
  }
  for (const WeightPair& pair : pairs) {
    for (const std::string& name : pair.theirs) {
      expected.emplace_back(name, their_shape(our_shapes.at(pair.ours), pair.form));
    }
  }
  const ShapeMisfit misfit = compare_shapes(expected, found);
  require(misfit.empty(), "{} doesn't fit the network that its config.json describes: {}", where, describe(misfit));
  NamedTensors ours;
  for (const WeightPair& pair : pairs) {
    Tensor tensor = by_name.at(pair.theirs.front());
    if (pair.form == WeightForm::of_time && sines_first) tensor = with_halves_exchanged(tensor);
    if (pair.form == WeightForm::qkv) {
      tensor = joined_qkv({tensor, by_name.at(pair.theirs[1]), by_name.at(pair.theirs[2])},
                          heads.at(layer_of(pair.ours)), options.qkv_order);
    }
    ours.emplace_back(pair.ours, tensor.reshape(our_shapes.at(pair.ours)).contiguous());
  }
  return ours;
}

NamedTensors their_weights(const UNetOptions& options, const NamedTensors& ours) {
  const std::map<std::string, Tensor> by_name(ours.begin(), ours.end());
  const auto heads = heads_by_layer(options);
  NamedTensors theirs;
  for (const WeightPair& pair : weight_pairs(options)) {
    const Tensor tensor = by_name.at(pair.ours).detach();
    std::vector<Tensor> parts = {tensor};
    if (pair.form == WeightForm::qkv) parts = parted_qkv(tensor, heads.at(layer_of(pair.ours)), options.qkv_order);
    std::vector<std::int64_t> shape = their_shape(tensor.sizes().vec(), pair.form);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      theirs.emplace_back(pair.theirs[i], parts[i].reshape(shape).contiguous());
    }
  }
  return theirs;
}

}  // namespace iddpm::diffusers
