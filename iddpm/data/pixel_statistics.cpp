#include "iddpm/data/pixel_statistics.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/pixels.h"

namespace iddpm {
namespace {

constexpr std::int64_t darkest_not_black = 3;
constexpr std::int64_t white_from = 250;
constexpr std::int64_t most_pixels = INT64_MAX / (255 * 255);

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

ChannelStatistics of_histogram(const std::array<std::int64_t, 256>& histogram) {
  ChannelStatistics channel;
  for (std::int64_t value = 0; value < 256; ++value) {
    const std::int64_t count = histogram[static_cast<std::size_t>(value)];
    channel.pixels += count;
    channel.sum += count * value;
    channel.sum_of_squares += count * value * value;
    if (value < darkest_not_black) channel.black += count;
    if (value >= white_from) channel.white += count;
  }
  return channel;
}

}  // namespace

double ChannelStatistics::mean() const { return share(sum, pixels); }

double ChannelStatistics::spread() const {
  const double average = mean();
  return std::sqrt(std::max(0.0, share(sum_of_squares, pixels) - average * average));
}

double ChannelStatistics::black_share() const { return share(black, pixels); }
double ChannelStatistics::white_share() const { return share(white, pixels); }

void add(PixelStatistics& statistics, const Tensor& images) {
  require(images.dim() == 4 && images.size(0) > 0, "pixel statistics: expected images [N, C, H, W], got {}",
          format_shape(images.sizes()));
  const auto channels = static_cast<std::size_t>(images.size(1));
  require(statistics.empty() || statistics.channels.size() == channels,
          "pixel statistics: expected images of {} channels, got {}", statistics.channels.size(), channels);
  const Tensor pixels = (images.scalar_type() == at::kByte ? images.to(at::kCPU) : to_pixels(images)).contiguous();
  statistics.channels.resize(channels);
  const std::int64_t of_a_channel = pixels.size(2) * pixels.size(3);
  const std::uint8_t* pixel = pixels.data_ptr<std::uint8_t>();
  std::vector<std::array<std::int64_t, 256>> histograms(channels);
  for (auto& histogram : histograms) histogram.fill(0);
  for (std::int64_t image = 0; image < pixels.size(0); ++image) {
    for (auto& histogram : histograms) {
      for (std::int64_t i = 0; i < of_a_channel; ++i) ++histogram[*pixel++];
    }
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const ChannelStatistics added = of_histogram(histograms[c]);
    ChannelStatistics& channel = statistics.channels[c];
    channel.pixels += added.pixels;
    channel.sum += added.sum;
    channel.sum_of_squares += added.sum_of_squares;
    channel.black += added.black;
    channel.white += added.white;
  }
  statistics.images += images.size(0);
}

double brightness_difference(const PixelStatistics& a, const PixelStatistics& b) {
  require(!a.empty() && !b.empty() && a.channels.size() == b.channels.size(),
          "pixel statistics: expected images of as many channels to compare, got {} of {} and {} of {}", a.images,
          a.channels.size(), b.images, b.channels.size());
  double largest = 0.0;
  for (std::size_t c = 0; c < a.channels.size(); ++c) {
    largest = std::max(largest, std::abs(a.channels[c].mean() - b.channels[c].mean()) / 255.0);
  }
  return largest;
}

std::string channel_name(std::size_t index, std::size_t channels) {
  static constexpr std::array colours = {"red", "green", "blue", "alpha"};
  static constexpr std::array greys = {"grey", "alpha"};
  if (channels <= greys.size()) return greys.at(index);
  return index < colours.size() ? colours[index] : fmt::format("channel {}", index);
}

void to_json(nlohmann::json& json, const PixelStatistics& statistics) {
  json = {{"images", statistics.images}, {"channels", nlohmann::json::array()}};
  for (const ChannelStatistics& channel : statistics.channels) {
    json["channels"].push_back({{"pixels", channel.pixels},
                                {"sum", channel.sum},
                                {"sum_of_squares", channel.sum_of_squares},
                                {"black", channel.black},
                                {"white", channel.white}});
  }
}

void from_json(const nlohmann::json& json, PixelStatistics& statistics) {
  constexpr const char* where = "pixel statistics";
  const JsonRecord record(json, where, {"images", "channels"});
  statistics = {};
  record.read("images", statistics.images);
  const nlohmann::json& channels = record.raw("channels");
  require(channels.is_array() && channels.size() <= 16, "{}: expected a list of at most 16 channels", where);
  for (const nlohmann::json& entry : channels) {
    const JsonRecord fields(entry, where, {"pixels", "sum", "sum_of_squares", "black", "white"});
    ChannelStatistics channel;
    fields.read("pixels", channel.pixels);
    fields.read("sum", channel.sum);
    fields.read("sum_of_squares", channel.sum_of_squares);
    fields.read("black", channel.black);
    fields.read("white", channel.white);
    const bool possible = channel.pixels >= 0 && channel.pixels <= most_pixels && channel.sum >= 0 &&
                          channel.sum <= 255 * channel.pixels && channel.sum_of_squares >= 0 &&
                          channel.sum_of_squares <= 255 * 255 * channel.pixels && channel.black >= 0 &&
                          channel.white >= 0 && channel.black <= channel.pixels &&
                          channel.white <= channel.pixels - channel.black;
    require(possible, "{}: expected counts and sums of pixels from 0 to 255, got {}", where, entry.dump());
    statistics.channels.push_back(channel);
  }
  require(statistics.images >= 0 && statistics.empty() == statistics.channels.empty(),
          "{}: {} images don't go with {} channels", where, statistics.images, statistics.channels.size());
  for (const ChannelStatistics& channel : statistics.channels) {
    require(channel.pixels >= statistics.images, "{}: {} images don't go with a channel of {} pixels", where,
            statistics.images, channel.pixels);
  }
}

}  // namespace iddpm
