#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// The values of one channel's pixels, 0 to 255, as exact sums: the same in whatever order and parts they were added.
struct ChannelStatistics {
  std::int64_t pixels = 0;
  std::int64_t sum = 0;
  std::int64_t sum_of_squares = 0;
  std::int64_t black = 0;  ///< pixels of value 2 and less
  std::int64_t white = 0;  ///< pixels of value 250 and more

  double mean() const;    ///< 0 to 255
  double spread() const;  ///< standard deviation, in the same unit
  double black_share() const;
  double white_share() const;
  bool operator==(const ChannelStatistics&) const = default;
};

/// How bright images are: what a tint or a veil over samples shows in at once, where a distance of features only rises.
struct PixelStatistics {
  std::int64_t images = 0;
  std::vector<ChannelStatistics> channels = {};

  bool empty() const { return images == 0; }
  bool operator==(const PixelStatistics&) const = default;
};

/// Adds images [N, C, H, W]: uint8, or floats in [-1, 1]. Throws Error if they have another number of channels than
/// those before, or aren't finite.
void add(PixelStatistics& statistics, const Tensor& images);

/// How far the means of the channels are apart, at most, as a share of the range of a pixel (255). Throws Error unless
/// both have images, of as many channels.
double brightness_difference(const PixelStatistics& a, const PixelStatistics& b);

/// Samples whose brightness differs from their data's by more are called off.
inline constexpr double largest_brightness_difference = 0.05;

/// "red", "grey", "alpha" ...: the name of channel `index` of `channels`.
std::string channel_name(std::size_t index, std::size_t channels);

void to_json(nlohmann::json& json, const PixelStatistics& statistics);
/// Strict, and checked: throws Error where counts contradict each other.
void from_json(const nlohmann::json& json, PixelStatistics& statistics);

}  // namespace iddpm
