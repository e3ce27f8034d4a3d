#include "iddpm/nn/unet_options.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "iddpm/core/error.h"
#include "iddpm/nn/layers.h"

namespace iddpm {
namespace {

constexpr std::int64_t largest_side = 16384;
constexpr std::int64_t largest_image_channels = 1024;
constexpr std::int64_t largest_channels = 8192;  // at any level
constexpr std::int64_t most_residual_blocks = 64;
constexpr std::size_t most_levels = 10;
constexpr std::int64_t most_classes = 10'000'000;
constexpr std::int64_t least_side_when_halving = 4;

void require_between(const char* option, std::int64_t value, std::int64_t least, std::int64_t most) {
  require(value >= least && value <= most, "Network option {} is {}; expected {} to {}.", option, value, least, most);
}

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

void check_sizes(const UNetOptions& options) {
  const std::int64_t step = stride(options);
  require(options.image_height % step == 0 && options.image_width % step == 0,
          "Images of {} x {} pixels (height x width) don't fit the network: both must be divisible by its stride of "
          "{}, which {} channel_multipliers make.",
          options.image_height, options.image_width, step, options.channel_multipliers.size());
}

void check_channels(const UNetOptions& options) {
  require_between("channels", options.channels, 1, largest_channels);
  for (std::size_t level = 0; level < options.channel_multipliers.size(); ++level) {
    const double multiplier = options.channel_multipliers[level];
    const double channels = multiplier * static_cast<double>(options.channels);
    require(std::isfinite(channels) && channels >= 1 && channels <= static_cast<double>(largest_channels),
            "Network option channel_multipliers has {} at level {}, which makes {} channels; expected 1 to {}.",
            multiplier, level, channels, largest_channels);
    require(level_channels(options, level) % Normalization::groups == 0,
            "Network option channel_multipliers has {} at level {}, which makes {} of {} channels; expected a multiple "
            "of {}.",
            multiplier, level, level_channels(options, level), options.channels, Normalization::groups);
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
  require_between("heads", options.heads, 1, largest_channels);
  require_between("heads_upsample", options.heads_upsample, 0, largest_channels);
  require_between("head_channels", options.head_channels, 0, largest_channels);
  const std::size_t levels = options.channel_multipliers.size();
  std::vector<std::int64_t> sides;
  for (std::size_t level = 0; level < levels; ++level) {
    sides.push_back(std::min(options.image_height, options.image_width) >> level);
  }
  std::vector<bool> listed(levels, false);
  for (const std::int64_t resolution : options.attention_resolutions) {
    const auto found = std::find(sides.begin(), sides.end(), resolution);
    require(found != sides.end(),
            "Network option attention_resolutions has {}; expected resolutions of the network's levels: {}.",
            resolution, fmt::join(sides, ", "));
    const auto level = static_cast<std::size_t>(found - sides.begin());
    require(!listed[level], "Network option attention_resolutions has {} twice; expected each once.", resolution);
    listed[level] = true;
    check_heads(options, level_channels(options, level));
  }
  check_heads(options, level_channels(options, levels - 1));
}

}  // namespace

std::int64_t stride(const UNetOptions& options) {
  const std::size_t levels = options.channel_multipliers.empty()
                                 ? multipliers_for(std::min(options.image_height, options.image_width),
                                                   std::gcd(options.image_height, options.image_width))
                                       .size()
                                 : options.channel_multipliers.size();
  require(levels <= most_levels, "Network option channel_multipliers has {} levels; expected 1 to {}.", levels,
          most_levels);
  return std::int64_t{1} << (levels - 1);
}

std::int64_t level_channels(const UNetOptions& options, std::size_t level) {
  return static_cast<std::int64_t>(options.channel_multipliers.at(level) * static_cast<double>(options.channels));
}

std::int64_t attention_heads(const UNetOptions& options, std::int64_t channels, bool upsampling) {
  if (options.head_channels > 0) return channels / options.head_channels;
  return upsampling && options.heads_upsample > 0 ? options.heads_upsample : options.heads;
}

std::vector<double> default_channel_multipliers(std::int64_t image_size) {
  require_between("image_size", image_size, 1, largest_side);
  return multipliers_for(image_size, image_size);
}

UNetOptions resolved(UNetOptions options) {
  require_between("image_height", options.image_height, 1, largest_side);
  require_between("image_width", options.image_width, 1, largest_side);
  require_between("image_channels", options.image_channels, 1, largest_image_channels);
  require_between("residual_blocks", options.residual_blocks, 1, most_residual_blocks);
  require_between("classes", options.classes, 0, most_classes);
  require(options.dropout >= 0 && options.dropout < 1,
          "Network option dropout is {}; expected a probability of at least 0 and below 1.", options.dropout);
  if (options.channel_multipliers.empty()) {
    options.channel_multipliers = multipliers_for(std::min(options.image_height, options.image_width),
                                                  std::gcd(options.image_height, options.image_width));
  }
  check_sizes(options);
  check_channels(options);
  check_attention(options);
  return options;
}

}  // namespace iddpm
