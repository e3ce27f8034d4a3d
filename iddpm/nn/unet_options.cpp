#include "iddpm/nn/unet_options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "iddpm/core/error.h"
#include "iddpm/nn/layers.h"

namespace iddpm {
namespace {

constexpr std::int64_t largest_side = 16384;
constexpr std::int64_t largest_image_channels = 1024;
constexpr std::int64_t largest_channels = 8192;  // at any level
constexpr std::size_t most_levels = 10;
constexpr std::int64_t most_classes = 10'000'000;
constexpr std::int64_t least_side_when_halving = 4;

const std::vector<std::int64_t> nowhere = {0};  // of attention_upsample

constexpr std::array qkv_order_names = {"heads_first", "qkv_first"};
constexpr std::array patch_transform_names = {"unshuffle", "haar"};
constexpr std::array middle_attention_names = {"normalized", "not_normalized", "none"};

/// Multipliers for images whose sides have the greatest common divisor `divisor`, the shorter side being `size`.
std::vector<double> multipliers_for(std::int64_t size, std::int64_t divisor) {
  std::vector<double> multipliers;
  if (size < 48) {
    multipliers = {1, 2, 2, 2};
  } else if (size < 96) {
    multipliers = {1, 2, 3, 4};
  } else if (size < 192) {
    multipliers = {1, 1, 2, 3, 4};
  } else if (size < 384) {
    multipliers = {1, 1, 2, 2, 4, 4};
  } else {
    multipliers = {0.5, 1, 1, 2, 2, 4, 4};
  }
  std::size_t levels = 1;
  for (std::int64_t step = 2; divisor % step == 0 && size / step >= least_side_when_halving; step *= 2) ++levels;
  multipliers.resize(std::min(levels, multipliers.size()));
  return multipliers;
}

// The multipliers for what is inside the network.
std::vector<double> chosen_multipliers(const UNetOptions& options) {
  const std::int64_t patch = options.patch_size;
  return multipliers_for(std::min(options.image_height, options.image_width) / patch,
                         std::gcd(options.image_height, options.image_width) / patch);
}

void check_patches(const UNetOptions& options) {
  const std::int64_t patch = options.patch_size;
  require(patch == 1 || patch == 2 || patch == 4, "Network option patch_size is {}; expected 1, 2 or 4.", patch);
  require(options.image_height % patch == 0 && options.image_width % patch == 0,
          "Network option patch_size is {}; expected a divisor of both sides of images of {} x {} pixels (height x "
          "width).",
          patch, options.image_height, options.image_width);
  require(patch > 1 || options.patch_transform == PatchTransform::unshuffle,
          "Network option patch_transform is haar, but patches are single pixels; expected a patch_size of 2 or 4.");
}

void check_sizes(const UNetOptions& options) {
  const std::int64_t step = stride(options);
  require(options.image_height % step == 0 && options.image_width % step == 0,
          "Images of {} x {} pixels (height x width) don't fit the network: both must be divisible by its stride of "
          "{}, which {} channel_multipliers make{}.",
          options.image_height, options.image_width, step, options.channel_multipliers.size(),
          options.patch_size > 1 ? fmt::format(" with patches of {}", options.patch_size) : "");
}

void check_channels(const UNetOptions& options) {
  for (std::size_t level = 0; level < options.channel_multipliers.size(); ++level) {
    const double multiplier = options.channel_multipliers[level];
    const double channels = multiplier * static_cast<double>(options.channels);
    require(std::isfinite(channels) && channels >= 1 && channels <= static_cast<double>(largest_channels),
            "Network option channel_multipliers has {} at level {}, which makes {} channels; expected 1 to {}.",
            multiplier, level, channels, largest_channels);
    require(level_channels(options, level) % options.norm_groups == 0,
            "Network option channel_multipliers has {} at level {}, which makes {} of {} channels; expected a multiple "
            "of {}.",
            multiplier, level, level_channels(options, level), options.channels, options.norm_groups);
  }
}

/// The channels must divide into heads wherever there is attention.
void check_heads(const UNetOptions& options, std::int64_t channels) {
  if (options.head_channels > 0) {
    require(channels % options.head_channels == 0,
            "Network option head_channels is {}; expected a divisor of the {} channels where there is attention.",
            options.head_channels, channels);
    return;
  }
  for (const bool upsampling : {false, true}) {
    const std::int64_t heads = attention_heads(options, channels, upsampling);
    require(channels % heads == 0,
            "Network option {} is {}; expected a divisor of the {} channels where there is attention.",
            upsampling ? "heads_upsample" : "heads", heads, channels);
  }
}

void check_attention(const UNetOptions& options) {
  const std::size_t levels = options.channel_multipliers.size();
  const std::vector<std::int64_t> sides = level_sides(options);
  const auto check_list = [&](const char* name, const std::vector<std::int64_t>& resolutions) {
    std::vector<bool> listed(levels, false);
    for (const std::int64_t resolution : resolutions) {
      const auto found = std::find(sides.begin(), sides.end(), resolution);
      require(found != sides.end(), "Network option {} has {}; expected resolutions of the network's levels: {}.", name,
              resolution, fmt::join(sides, ", "));
      const auto level = static_cast<std::size_t>(found - sides.begin());
      require(!listed[level], "Network option {} has {} twice; expected each once.", name, resolution);
      listed[level] = true;
      check_heads(options, level_channels(options, level));
    }
  };
  check_list("attention_resolutions", options.attention_resolutions);
  if (options.attention_upsample != nowhere) check_list("attention_upsample", options.attention_upsample);
  if (options.middle_attention != MiddleAttention::none) check_heads(options, level_channels(options, levels - 1));
}

void check_embedding(const UNetOptions& options) {
  require(options.frequency_shift == 0 || static_cast<double>(options.channels / 2) > options.frequency_shift,
          "Network option frequency_shift is {}; expected less than half of the {} channels.", options.frequency_shift,
          options.channels);
}

void check_downsampling(const UNetOptions& options) {
  require(!options.downsampling_pads_low_edges || (options.convolutional_resampling && !options.residual_resampling),
          "Network option downsampling_pads_low_edges is true, but the network halves sizes without convolutions of "
          "stride 2; expected false.");
}

void check_low_resolution(const UNetOptions& options) {
  require(options.super_resolution || (options.low_resolution == 0 && options.low_resolution_noise == 0.0),
          "Network options low_resolution and low_resolution_noise are {} and {}, but the network does no "
          "super-resolution; expected 0.",
          options.low_resolution, options.low_resolution_noise);
  require(
      !options.low_resolution_noise_varies || options.low_resolution_noise > 0.0,
      "Network option low_resolution_noise_varies is true, but low_resolution_noise, the most, is {}; expected more "
      "than 0.",
      options.low_resolution_noise);
  if (options.low_resolution == 0) return;
  const std::int64_t shorter = std::min(options.image_height, options.image_width);
  const std::int64_t factor = shorter / options.low_resolution;
  require(shorter % options.low_resolution == 0 && factor > 1 && options.image_height % factor == 0 &&
              options.image_width % factor == 0,
          "Network option low_resolution is {}; expected a size that images of {} x {} (height x width) are a whole "
          "multiple of, twice as large at least.",
          options.low_resolution, options.image_height, options.image_width);
}

}  // namespace

std::int64_t stride(const UNetOptions& options) {
  const std::size_t levels =
      options.channel_multipliers.empty() ? chosen_multipliers(options).size() : options.channel_multipliers.size();
  require(levels <= most_levels, "Network option channel_multipliers has {} levels; expected 1 to {}.", levels,
          most_levels);
  return options.patch_size << (levels - 1);
}

std::vector<std::int64_t> level_sides(const UNetOptions& options) {
  std::vector<std::int64_t> sides;
  for (std::size_t level = 0; level < options.channel_multipliers.size(); ++level) {
    sides.push_back((std::min(options.image_height, options.image_width) / options.patch_size) >> level);
  }
  return sides;
}

std::int64_t level_channels(const UNetOptions& options, std::size_t level) {
  return static_cast<std::int64_t>(options.channel_multipliers.at(level) * static_cast<double>(options.channels));
}

std::int64_t attention_heads(const UNetOptions& options, std::int64_t channels, bool upsampling) {
  if (options.head_channels > 0) return channels / options.head_channels;
  return upsampling && options.heads_upsample > 0 ? options.heads_upsample : options.heads;
}

NormalizationOptions normalization(const UNetOptions& options) {
  return {.groups = options.norm_groups, .epsilon = options.norm_epsilon};
}

std::vector<double> default_channel_multipliers(std::int64_t image_size) {
  require(image_size >= 1 && image_size <= largest_side, "image size: expected 1 to {} pixels, got {}", largest_side,
          image_size);
  return multipliers_for(image_size, image_size);
}

UNetOptions resolved(UNetOptions options) {
  check_fields(options, "network options");
  require(options.dropout < 1, "Network option dropout is {}; expected a probability of at least 0 and below 1.",
          options.dropout);
  require(options.class_dropout < 1,
          "Network option class_dropout is {}; expected a probability of at least 0 and below 1.",
          options.class_dropout);
  require(options.class_dropout == 0 || options.classes > 0,
          "Network option class_dropout is {}, but the network has no classes to leave out; expected 0.",
          options.class_dropout);
  check_patches(options);
  if (options.channel_multipliers.empty()) options.channel_multipliers = chosen_multipliers(options);
  check_sizes(options);
  check_channels(options);
  check_attention(options);
  check_embedding(options);
  check_downsampling(options);
  check_low_resolution(options);
  return options;
}

void visit_fields(UNetOptions& options, const FieldVisitor& visit) {
  visit({"image_height", "Pixels", nullptr, 1, largest_side}, &options.image_height);
  visit({"image_width", "Pixels", nullptr, 1, largest_side}, &options.image_width);
  visit({"image_channels", "1 grey, 3 RGB, 4 RGBA", nullptr, 1, largest_image_channels}, &options.image_channels);
  visit({.name = "patch_size",
         .help = "2 or 4: patches of so many pixels a side are one pixel inside the network; 1: none",
         .option = "--patch-size",
         .least = 1,
         .most = largest_side,
         .since = 5,
         .before = "1"},
        &options.patch_size);
  visit({.name = "patch_transform",
         .help = "What a patch becomes: its pixels, or their wavelets",
         .option = "--patch-transform",
         .since = 5,
         .before = "\"unshuffle\""},
        one_of(&options.patch_transform, patch_transform_names));
  visit({"channels", "Channels of the first level", "--channels", 1, largest_channels}, &options.channels);
  visit({"residual_blocks", "Residual blocks per level", "--blocks", 1, 64}, &options.residual_blocks);
  visit({"channel_multipliers", "Channel multiplier of each level: 1,2,2", "--multipliers"},
        &options.channel_multipliers);
  visit({"attention_resolutions", "Sizes at which there is attention: 16,8", "--attention", 1, largest_side},
        &options.attention_resolutions);
  visit({"heads", "Attention heads", "--heads", 1, largest_channels}, &options.heads);
  visit({"head_channels", "Channels per head, instead of the number of heads; 0: by the number", "--head-channels", 0,
         largest_channels},
        &options.head_channels);
  visit({"heads_upsample", "Heads in the upsampling half; 0: as in the other", "--heads-upsample", 0, largest_channels},
        &options.heads_upsample);
  visit({"qkv_order", "Order of a head's query, key and value", "--qkv-order"},
        one_of(&options.qkv_order, qkv_order_names));
  visit({"scale_shift_norm", "true: the time embedding scales and shifts norms; false: it is added",
         "--scale-shift-norm"},
        &options.scale_shift_norm);
  visit({"convolutional_resampling", "true: learned convolutions when resampling", "--conv-resample"},
        &options.convolutional_resampling);
  visit({"residual_resampling", "true: residual blocks that resample", "--residual-resample"},
        &options.residual_resampling);
  visit({"classes", "0: unconditional", nullptr, 0, most_classes}, &options.classes);
  visit({"dropout", "Probability of dropping an activation", "--dropout", 0, 1}, &options.dropout);
  visit({.name = "class_dropout",
         .help = "Probability of training on an image without its class, for sample --guidance: 0.1",
         .option = "--class-dropout",
         .least = 0,
         .most = 1,
         .since = 3,
         .before = "0.0"},
        &options.class_dropout);
  visit({"predict_variance", "true: a variance is predicted beside the mean"}, &options.predict_variance);
  visit({"super_resolution", "true: conditioned on a smaller image"}, &options.super_resolution);
  visit({.name = "low_resolution",
         .help = "A model that enlarges images of this many pixels on the shorter side: 16",
         .option = "--super-resolution",
         .least = 0,
         .most = largest_side,
         .since = 4,
         .before = "0"},
        &options.low_resolution);
  visit({.name = "low_resolution_noise",
         .help = "Most noise on them, so that faults of drawn ones do no harm: standard deviation (0.3)",
         .option = "--low-resolution-noise",
         .least = 0,
         .most = 2,
         .since = 4,
         .before = "0.0"},
        &options.low_resolution_noise);
  visit({.name = "augmentation_condition",
         .help = "true: told how training images were moved",
         .since = 5,
         .before = "false"},
        &options.augmentation_condition);
  visit({.name = "low_resolution_noise_varies",
         .help = "true: from none to the most, told to the network and chosen when sampling; false: always the most",
         .option = "--low-resolution-noise-varies",
         .since = 5,
         .before = "false"},
        &options.low_resolution_noise_varies);
  visit({.name = "attention_upsample",
         .help = "Sizes with attention in the upsampling half: none, as in the other half; 0, nowhere",
         .least = 0,
         .most = largest_side,
         .since = 5,
         .before = "[]"},
        &options.attention_upsample);
  visit({.name = "norm_groups",
         .help = "Groups of the group normalisation",
         .least = 1,
         .most = largest_channels,
         .since = 5,
         .before = "32"},
        &options.norm_groups);
  visit({.name = "norm_epsilon",
         .help = "Added to its variance",
         .least = 1e-12,
         .most = 1,
         .since = 5,
         .before = "1e-5"},
        &options.norm_epsilon);
  visit({.name = "frequency_shift",
         .help = "Of the embedding of t: exponents are divided by half its width less this",
         .least = 0,
         .most = 1,
         .since = 5,
         .before = "0.0"},
        &options.frequency_shift);
  visit({.name = "downsampling_pads_low_edges",
         .help = "true: convolutions that halve the size see zeros below and to the right only",
         .since = 5,
         .before = "false"},
        &options.downsampling_pads_low_edges);
  visit({.name = "middle_attention",
         .help = "Attention in the middle, of normalised activations or not",
         .since = 5,
         .before = "\"normalized\""},
        one_of(&options.middle_attention, middle_attention_names));
  visit({.name = "middle_divisor",
         .help = "What sums in the middle are divided by",
         .least = 1e-3,
         .most = 1e3,
         .since = 5,
         .before = "1.0"},
        &options.middle_divisor);
  visit({.name = "center_input", .help = "true: the network sees 2 x - 1", .since = 5, .before = "false"},
        &options.center_input);
  visit(
      {"checkpointing", "true: recompute activations instead of keeping them (slower, less memory)", "--checkpointing"},
      &options.checkpointing);
}

void to_json(nlohmann::json& json, const UNetOptions& options) { json = fields_to_json(options); }

void from_json(const nlohmann::json& json, UNetOptions& options) {
  options = fields_from_json<UNetOptions>(json, "network options");
}

}  // namespace iddpm
