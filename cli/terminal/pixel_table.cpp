#include "cli/terminal/pixel_table.h"

#include <algorithm>
#include <cmath>

#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"

namespace iddpm::cli {
namespace {

using nlohmann::json;

constexpr const char* where = "pixels of samples";

ImageFigures figures_of(const PixelStatistics& statistics, const std::string& of) {
  ImageFigures figures{.of = of, .images = statistics.images};
  for (std::size_t c = 0; c < statistics.channels.size(); ++c) {
    const ChannelStatistics& channel = statistics.channels[c];
    figures.channels.push_back({.name = channel_name(c, statistics.channels.size()),
                                .mean = channel.mean(),
                                .spread = channel.spread(),
                                .black_share = channel.black_share(),
                                .white_share = channel.white_share()});
  }
  return figures;
}

json json_of(const ImageFigures& figures) {
  json channels = json::array();
  for (const ChannelFigures& channel : figures.channels) {
    channels.push_back({{"name", channel.name},
                        {"mean", channel.mean},
                        {"spread", channel.spread},
                        {"black_share", channel.black_share},
                        {"white_share", channel.white_share}});
  }
  return {{"of", figures.of}, {"images", figures.images}, {"channels", std::move(channels)}};
}

ImageFigures figures_from(const json& json) {
  const JsonRecord record(json, where, {"of", "images", "channels"});
  ImageFigures figures;
  record.read("of", figures.of);
  record.read("images", figures.images);
  require(record.raw("channels").is_array(), "{}: expected a list of channels, got {}", where,
          record.raw("channels").type_name());
  for (const auto& entry : record.raw("channels")) {
    const JsonRecord channel(entry, where, {"name", "mean", "spread", "black_share", "white_share"});
    ChannelFigures& read = figures.channels.emplace_back();
    channel.read("name", read.name);
    channel.read("mean", read.mean);
    channel.read("spread", read.spread);
    channel.read("black_share", read.black_share);
    channel.read("white_share", read.white_share);
  }
  require(figures.images > 0 && !figures.channels.empty(), "{}: expected images with channels, got {} with {}", where,
          figures.images, figures.channels.size());
  return figures;
}

std::string samples_name(const ImageFigures& samples) {
  return fmt::format("{} sample{}", format_count(samples.images), samples.images == 1 ? "" : "s");
}

std::vector<std::string> cells_of(const std::string& name, const ChannelFigures& channel) {
  const auto number = [](double value) { return fmt::format("{:.1f}", value); };
  return {name,
          channel.name,
          number(channel.mean),
          number(channel.spread),
          number(100.0 * channel.black_share),
          number(100.0 * channel.white_share)};
}

// The channel that is furthest from the data's.
std::size_t furthest_channel(const PixelRecord& record) {
  const auto difference = [&](std::size_t c) {
    return std::abs(record.samples.channels[c].mean - record.data->channels[c].mean);
  };
  std::size_t furthest = 0;
  for (std::size_t c = 1; c < record.samples.channels.size(); ++c) {
    if (difference(c) > difference(furthest)) furthest = c;
  }
  return furthest;
}

}  // namespace

PixelRecord pixel_record(const PixelStatistics& samples, const PixelStatistics& data, const std::string& data_name) {
  PixelRecord record{.samples = figures_of(samples, "samples")};
  if (!data.empty()) {
    record.data = figures_of(data, data_name);
    record.brightness_difference = brightness_difference(samples, data);
  }
  return record;
}

std::optional<PixelRecord> find_pixels(const json& object) {
  if (!object.is_object() || !object.contains(pixels_key)) return std::nullopt;
  return object[pixels_key].get<PixelRecord>();
}

void to_json(json& json, const PixelRecord& record) {
  json = {{"samples", json_of(record.samples)}, {"data", nullptr}, {"brightness_difference", nullptr}};
  if (record.data) json["data"] = json_of(*record.data);
  if (record.brightness_difference) json["brightness_difference"] = *record.brightness_difference;
}

void from_json(const json& json, PixelRecord& record) {
  const JsonRecord fields(json, where, {"samples", "data", "brightness_difference"});
  record = {};
  record.samples = figures_from(fields.raw("samples"));
  fields.read("brightness_difference", record.brightness_difference);
  if (!fields.raw("data").is_null()) record.data = figures_from(fields.raw("data"));
  require(record.data.has_value() == record.brightness_difference.has_value(),
          "{}: expected data and a difference from them, or neither", where);
  require(!record.data || record.data->channels.size() == record.samples.channels.size(),
          "{}: expected as many channels of the data as of the samples", where);
}

std::vector<std::vector<std::string>> pixel_cells(const PixelRecord& record) {
  std::vector<std::vector<std::string>> cells = {
      {"pixels, 0 to 255", "channel", "mean", "spread", "% black (2 and less)", "% white (250 and more)"}};
  for (std::size_t c = 0; c < record.samples.channels.size(); ++c) {
    cells.push_back(cells_of(samples_name(record.samples), record.samples.channels[c]));
    if (record.data) cells.push_back(cells_of(record.data->of, record.data->channels[c]));
  }
  return cells;
}

std::string pixel_table(const PixelRecord& record) {
  const auto cells = pixel_cells(record);
  std::vector<std::size_t> widths(cells.front().size());
  for (const auto& row : cells) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const auto& row : cells) {
    text += fmt::format("{:<{}}  {:<{}}", row[0], widths[0], row[1], widths[1]);
    for (std::size_t column = 2; column < row.size(); ++column) {
      text += fmt::format("  {:>{}}", row[column], widths[column]);
    }
    text += "\n";
  }
  text += brightness_remark(record);
  if (text.back() == '\n') text.pop_back();
  return text;
}

std::string brightness_remark(const PixelRecord& record, const std::string& when) {
  if (!record.data || *record.brightness_difference <= largest_brightness_difference) return {};
  const ImageFigures& samples = record.samples;
  const std::size_t channel = furthest_channel(record);
  const ChannelFigures& ours = samples.channels[channel];
  const ChannelFigures& theirs = record.data->channels[channel];
  // The standard error of a mean over so many images is at most so large: as if each were of one brightness.
  const double largest_error = theirs.spread / std::sqrt(static_cast<double>(samples.images));
  const bool chance = std::abs(ours.mean - theirs.mean) < 2.0 * largest_error;
  return fmt::format(
      "The {}{} {} {} than the {}: mean {:.0f} where theirs is {:.0f} ({}), off by {:.1f} % of the range; the bound is "
      "{:.0f} %{}.",
      samples_name(samples), when, samples.images == 1 ? "is" : "are", ours.mean > theirs.mean ? "brighter" : "darker",
      record.data->of, ours.mean, theirs.mean, ours.name, 100.0 * *record.brightness_difference,
      100.0 * largest_brightness_difference, chance ? " (of so few images that may be chance)" : "");
}

}  // namespace iddpm::cli
