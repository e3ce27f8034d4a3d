#include "iddpm/model/diffusers/unet_config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "iddpm/model/diffusers/config_reader.h"

namespace iddpm::diffusers {
namespace {

using Names = std::vector<std::string>;
using Sizes = std::vector<std::int64_t>;

constexpr std::size_t most_blocks = 10;

const std::set<std::string>& known_settings() {
  static const std::set<std::string> names = {"sample_size",
                                              "in_channels",
                                              "out_channels",
                                              "center_input_sample",
                                              "time_embedding_type",
                                              "time_embedding_dim",
                                              "freq_shift",
                                              "flip_sin_to_cos",
                                              "down_block_types",
                                              "up_block_types",
                                              "block_out_channels",
                                              "layers_per_block",
                                              "mid_block_type",
                                              "mid_block_scale_factor",
                                              "downsample_padding",
                                              "downsample_type",
                                              "upsample_type",
                                              "dropout",
                                              "act_fn",
                                              "attention_head_dim",
                                              "norm_num_groups",
                                              "attn_norm_num_groups",
                                              "norm_eps",
                                              "resnet_time_scale_shift",
                                              "class_embed_type",
                                              "num_class_embeds",
                                              "num_train_timesteps",
                                              "add_attention"};
  return names;
}

// A setting of a later version may change the network, and is looked at only where it is switched on.
void refuse_unknown(const nlohmann::json& config, const std::string& where) {
  for (const auto& [name, value] : config.items()) {
    if (name.starts_with('_') || known_settings().contains(name) || value.is_null() || value == false) continue;
    fail(ErrorKind::unsupported, "{}: the setting {} is unknown here, and may change the network", where, quote(name));
  }
}

// What the two lists of block types say: where there is attention, and whether residual blocks resample.
struct BlockTypes {
  std::vector<bool> down_attention;  // by level
  std::vector<bool> up_attention;    // by level, too
  bool residual_resampling = false;
};

bool resamples_by_residual(const std::string& type, bool attends, const std::string& resampling_type) {
  return type.starts_with("Resnet") || (attends && resampling_type == "resnet");
}

BlockTypes read_block_types(const ConfigReader& config, std::size_t levels) {
  const Names down =
      config.get<Names>("down_block_types", {"DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"});
  const Names up =
      config.get<Names>("up_block_types", {"AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"});
  require(down.size() == levels && up.size() == levels,
          "{}: block_out_channels has {} entries, down_block_types {} and up_block_types {}; expected as many of each",
          config.where(), levels, down.size(), up.size());
  BlockTypes types;
  types.up_attention.resize(levels);
  std::set<bool> by_residual;
  for (const bool upwards : {false, true}) {
    const auto resampling_type =
        config.get_or_null<std::string>(upwards ? "upsample_type" : "downsample_type", "conv", "conv");
    require(resampling_type == "conv" || resampling_type == "resnet", ErrorKind::unsupported,
            "{}: it resamples by {}; expected conv or resnet", config.where(), quote(resampling_type));
    const std::string suffix = upwards ? "UpBlock2D" : "DownBlock2D";
    const std::string resnet_suffix = upwards ? "UpsampleBlock2D" : "DownsampleBlock2D";
    for (std::size_t i = 0; i < levels; ++i) {
      std::string type = upwards ? up[i] : down[i];
      if (type.starts_with("UNetRes")) type = type.substr(7);  // the names of the first versions
      const bool attends = type == "Attn" + suffix;
      require(attends || type == suffix || type == "Resnet" + resnet_suffix, ErrorKind::unsupported,
              "{}: the block type {} can't be expressed here; expected {}, Attn{} or Resnet{}", config.where(),
              quote(type), suffix, suffix, resnet_suffix);
      if (upwards) {
        types.up_attention[levels - 1 - i] = attends;
      } else {
        types.down_attention.push_back(attends);
      }
      if (i + 1 < levels) by_residual.insert(resamples_by_residual(type, attends, resampling_type));
    }
  }
  require(by_residual.size() <= 1, ErrorKind::unsupported,
          "{}: some blocks resample by a convolution and some by a residual block; expected the same of all",
          config.where());
  types.residual_resampling = by_residual.contains(true);
  return types;
}

Sizes attended_sizes(const std::vector<bool>& attention, std::int64_t shorter_side) {
  Sizes sizes;
  for (std::size_t level = 0; level < attention.size(); ++level) {
    if (attention[level]) sizes.push_back(shorter_side >> level);
  }
  return sizes;
}

// The multiplier that makes just so many channels of the first level's.
double multiplier(std::int64_t channels, std::int64_t first) {
  const double quotient = static_cast<double>(channels) / static_cast<double>(first);
  const bool exact = static_cast<std::int64_t>(quotient * static_cast<double>(first)) == channels;
  return exact ? quotient : std::nextafter(quotient, quotient + 1);
}

void read_image_size(const ConfigReader& config, UNetOptions& options) {
  require(!config.is_null("sample_size"), ErrorKind::unsupported,
          "{}: sample_size isn't there; expected the size of the images", config.where());
  const nlohmann::json& size = config.raw("sample_size");
  const Sizes sides =
      size.is_array() ? config.get<Sizes>("sample_size", {}) : Sizes(2, config.get<std::int64_t>("sample_size", 0));
  require(sides.size() == 2, "{}: sample_size is {}; expected a side, or height and width", config.where(),
          json_text(size));
  options.image_height = sides[0];
  options.image_width = sides[1];
}

void read_channels(const ConfigReader& config, UNetOptions& options, const Sizes& widths) {
  options.image_channels = config.get<std::int64_t>("in_channels", 3);
  constexpr std::int64_t most_channels = 1024;
  require(options.image_channels >= 1 && options.image_channels <= most_channels,
          "{}: in_channels is {}; expected 1 to {}", config.where(), options.image_channels, most_channels);
  const auto out_channels = config.get<std::int64_t>("out_channels", 3);
  require(out_channels == options.image_channels || out_channels == 2 * options.image_channels, ErrorKind::unsupported,
          "{}: it takes images of {} channels and gives {}; expected as many, or twice as many for a learned variance "
          "(a network told something beside the noisy image can't be expressed here)",
          config.where(), options.image_channels, out_channels);
  options.predict_variance = out_channels != options.image_channels;
  options.channels = widths.front();
  for (const std::int64_t width : widths) {
    require(width > 0 && width <= 8192, "{}: block_out_channels has {}; expected 1 to 8192", config.where(), width);
    options.channel_multipliers.push_back(multiplier(width, widths.front()));
  }
  const auto embedding = config.get_or_null<std::int64_t>("time_embedding_dim", 4 * widths.front(), 4 * widths.front());
  require(embedding == 4 * widths.front(), ErrorKind::unsupported,
          "{}: time_embedding_dim is {}; expected four times the first of block_out_channels, {}", config.where(),
          embedding, 4 * widths.front());
}

void read_attention(const ConfigReader& config, UNetOptions& options, const BlockTypes& types) {
  const std::int64_t shorter = std::min(options.image_height, options.image_width);
  options.attention_resolutions = attended_sizes(types.down_attention, shorter);
  if (types.up_attention != types.down_attention) {
    options.attention_upsample = attended_sizes(types.up_attention, shorter);
    if (options.attention_upsample.empty()) options.attention_upsample = {0};
  }
  options.heads = 1;
  options.head_channels = config.get_or_null<std::int64_t>("attention_head_dim", 0, 8);
  options.qkv_order = kernels::QkvOrder::qkv_first;
  const auto groups = config.get_or_null<std::int64_t>("attn_norm_num_groups", 0, 0);
  require(groups == 0 || groups == options.norm_groups, ErrorKind::unsupported,
          "{}: attn_norm_num_groups is {}; expected the {} groups of the other norms", config.where(), groups,
          options.norm_groups);
  if (!config.get<bool>("add_attention", true)) {
    options.middle_attention = MiddleAttention::none;
  } else if (options.scale_shift_norm && groups == 0) {
    options.middle_attention = MiddleAttention::not_normalized;
  }
}

void refuse_what_ours_lacks(const ConfigReader& config) {
  config.refuse_other_than("time_embedding_type", "positional", "t is embedded by fixed sines and cosines");
  config.refuse_other_than("mid_block_type", "UNetMidBlock2D", "the middle is residual, attention, residual");
  require(!config.contains("mid_block_type") || !config.is_null("mid_block_type"), ErrorKind::unsupported,
          "{}: it has no middle block; expected UNetMidBlock2D", config.where());
  config.refuse_other_than("class_embed_type", nlohmann::json(),
                           "classes are looked up in a table of embeddings (num_class_embeds)");
  const auto activation = config.get<std::string>("act_fn", "silu");
  require(activation == "silu" || activation == "swish", ErrorKind::unsupported,
          "{}: act_fn is {}; expected silu, the only activation here", config.where(), quote(activation));
}

std::string block_type(bool attends, bool by_residual, bool upwards) {
  const std::string direction = upwards ? "Up" : "Down";
  if (!attends && by_residual) return "Resnet" + direction + "sampleBlock2D";
  return (attends ? "Attn" : "") + direction + "Block2D";
}

bool attends_at(const UNetOptions& options, std::size_t level, bool upwards) {
  const Sizes& own = options.attention_upsample;
  const Sizes& sizes = upwards && !own.empty() ? own : options.attention_resolutions;
  const std::int64_t side = std::min(options.image_height, options.image_width) >> level;
  return std::find(sizes.begin(), sizes.end(), side) != sizes.end();
}

// Channels per head, which UNet2DModel has for the whole network; null: one head everywhere.
nlohmann::json head_channels(const UNetOptions& options) {
  if (options.head_channels > 0) return options.head_channels;
  std::set<std::int64_t> widths;
  bool one_head = true;
  const auto add = [&](std::size_t level, bool upwards) {
    const std::int64_t heads = attention_heads(options, level_channels(options, level), upwards);
    one_head = one_head && heads == 1;
    widths.insert(level_channels(options, level) / heads);
  };
  const std::size_t levels = options.channel_multipliers.size();
  for (std::size_t level = 0; level < levels; ++level) {
    for (const bool upwards : {false, true}) {
      if (attends_at(options, level, upwards)) add(level, upwards);
    }
  }
  if (options.middle_attention != MiddleAttention::none) add(levels - 1, false);
  if (one_head) return nullptr;
  require(widths.size() == 1, ErrorKind::unsupported,
          "diffusers' UNet2DModel has one attention_head_dim, but this network's heads have {} channels in different "
          "places (heads is {}); a network of one width of heads (head_channels) can be exported",
          fmt::join(widths, ", "), options.heads);
  return *widths.begin();
}

}  // namespace

UNetConfig read_unet_config(const nlohmann::json& json, const std::string& where) {
  refuse_unknown(json, where);
  const ConfigReader config(json, where);
  refuse_what_ours_lacks(config);
  const Sizes widths = config.get<Sizes>("block_out_channels", {224, 448, 672, 896});
  require(!widths.empty() && widths.size() <= most_blocks && widths.front() > 0,
          "{}: block_out_channels has {} entries; expected 1 to {} positive numbers", where, widths.size(),
          most_blocks);
  UNetConfig read;
  UNetOptions& options = read.options;
  read_image_size(config, options);
  read_channels(config, options, widths);
  options.residual_blocks = config.get<std::int64_t>("layers_per_block", 2);
  options.norm_groups = config.get<std::int64_t>("norm_num_groups", 32);
  options.norm_epsilon = config.get<double>("norm_eps", 1e-5);
  options.frequency_shift = config.get<double>("freq_shift", 0.0);
  read.sines_first = !config.get<bool>("flip_sin_to_cos", true);
  options.center_input = config.get<bool>("center_input_sample", false);
  options.dropout = config.get<double>("dropout", 0.0);
  options.middle_divisor = config.get<double>("mid_block_scale_factor", 1.0);
  const auto conditioning = config.get<std::string>("resnet_time_scale_shift", "default");
  require(conditioning == "default" || conditioning == "scale_shift", ErrorKind::unsupported,
          "{}: resnet_time_scale_shift is {}; expected default or scale_shift", where, quote(conditioning));
  options.scale_shift_norm = conditioning == "scale_shift";
  options.classes = config.get_or_null<std::int64_t>("num_class_embeds", 0, 0);
  const BlockTypes types = read_block_types(config, widths.size());
  options.residual_resampling = types.residual_resampling;
  const auto padding = config.get<std::int64_t>("downsample_padding", 1);
  require(padding == 0 || padding == 1, ErrorKind::unsupported, "{}: downsample_padding is {}; expected 0 or 1", where,
          padding);
  options.downsampling_pads_low_edges = padding == 0 && !types.residual_resampling;
  read_attention(config, options, types);
  try {
    options = resolved(std::move(options));
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", where, error.what());
  }
  return read;
}

nlohmann::json write_unet_config(const UNetOptions& asked) {
  const UNetOptions options = resolved(asked);
  require(options.patch_size == 1, ErrorKind::unsupported,
          "diffusers' UNet2DModel sees pixels, but this network sees patches (patch_size is {})", options.patch_size);
  require(!options.super_resolution, ErrorKind::unsupported,
          "diffusers' UNet2DModel is told nothing beside the noisy image, but this network enlarges images");
  require(options.convolutional_resampling, ErrorKind::unsupported,
          "diffusers' UNet2DModel resamples by convolutions, but this network doesn't (convolutional_resampling is "
          "false)");
  require(static_cast<std::int64_t>(options.channel_multipliers.front()) == 1 &&
              level_channels(options, 0) == options.channels,
          ErrorKind::unsupported,
          "diffusers' UNet2DModel embeds t in as many channels as its first level has, {}; this network in {}",
          level_channels(options, 0), options.channels);
  // It leaves the norm out where norms are scaled and shifted, unless it is told groups.
  const bool told_groups = options.scale_shift_norm && options.middle_attention != MiddleAttention::not_normalized;
  require(options.scale_shift_norm || options.middle_attention != MiddleAttention::not_normalized,
          ErrorKind::unsupported,
          "diffusers' UNet2DModel normalises before the middle's attention unless norms are scaled and shifted; this "
          "network does neither");
  nlohmann::json down = nlohmann::json::array(), up = nlohmann::json::array(), widths = nlohmann::json::array();
  const std::size_t levels = options.channel_multipliers.size();
  for (std::size_t level = 0; level < levels; ++level) {
    widths.push_back(level_channels(options, level));
    down.push_back(block_type(attends_at(options, level, false), options.residual_resampling, false));
    const std::size_t from_below = levels - 1 - level;
    up.push_back(block_type(attends_at(options, from_below, true), options.residual_resampling, true));
  }
  nlohmann::json size = options.image_height;
  if (options.image_height != options.image_width) size = {options.image_height, options.image_width};
  const char* resampling = options.residual_resampling ? "resnet" : "conv";
  return {{"_class_name", "UNet2DModel"},
          {"sample_size", size},
          {"in_channels", options.image_channels},
          {"out_channels", options.image_channels * (options.predict_variance ? 2 : 1)},
          {"center_input_sample", options.center_input},
          {"time_embedding_type", "positional"},
          {"freq_shift", options.frequency_shift},
          {"flip_sin_to_cos", true},
          {"down_block_types", down},
          {"up_block_types", up},
          {"block_out_channels", widths},
          {"layers_per_block", options.residual_blocks},
          {"mid_block_scale_factor", options.middle_divisor},
          {"downsample_padding", options.downsampling_pads_low_edges ? 0 : 1},
          {"downsample_type", resampling},
          {"upsample_type", resampling},
          {"dropout", options.dropout},
          {"act_fn", "silu"},
          {"attention_head_dim", head_channels(options)},
          {"norm_num_groups", options.norm_groups},
          {"attn_norm_num_groups", told_groups ? nlohmann::json(options.norm_groups) : nlohmann::json()},
          {"norm_eps", options.norm_epsilon},
          {"resnet_time_scale_shift", options.scale_shift_norm ? "scale_shift" : "default"},
          {"add_attention", options.middle_attention != MiddleAttention::none},
          {"class_embed_type", nullptr},
          {"num_class_embeds", options.classes > 0 ? nlohmann::json(options.classes) : nlohmann::json()}};
}

}  // namespace iddpm::diffusers
