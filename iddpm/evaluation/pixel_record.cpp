#include "iddpm/evaluation/pixel_record.h"

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"

namespace iddpm {
namespace {

using nlohmann::json;

constexpr const char* pixels_where = "pixels of samples";

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
  const JsonRecord record(json, pixels_where, {"of", "images", "channels"});
  ImageFigures figures;
  record.read("of", figures.of);
  record.read("images", figures.images);
  require(record.raw("channels").is_array(), "{}: expected a list of channels, got {}", pixels_where,
          record.raw("channels").type_name());
  for (const auto& entry : record.raw("channels")) {
    const JsonRecord channel(entry, pixels_where, {"name", "mean", "spread", "black_share", "white_share"});
    ChannelFigures& read = figures.channels.emplace_back();
    channel.read("name", read.name);
    channel.read("mean", read.mean);
    channel.read("spread", read.spread);
    channel.read("black_share", read.black_share);
    channel.read("white_share", read.white_share);
  }
  require(figures.images > 0 && !figures.channels.empty(), "{}: expected images with channels, got {} with {}",
          pixels_where, figures.images, figures.channels.size());
  return figures;
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
  const JsonRecord fields(json, pixels_where, {"samples", "data", "brightness_difference"});
  record = {};
  record.samples = figures_from(fields.raw("samples"));
  fields.read("brightness_difference", record.brightness_difference);
  if (!fields.raw("data").is_null()) record.data = figures_from(fields.raw("data"));
  require(record.data.has_value() == record.brightness_difference.has_value(),
          "{}: expected data and a difference from them, or neither", pixels_where);
  require(!record.data || record.data->channels.size() == record.samples.channels.size(),
          "{}: expected as many channels of the data as of the samples", pixels_where);
}

}  // namespace iddpm
