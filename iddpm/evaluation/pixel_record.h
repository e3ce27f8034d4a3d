#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/pixel_statistics.h"

namespace iddpm {

/// What is told of one channel; mean and spread are of 0 to 255.
struct ChannelFigures {
  std::string name = {};  ///< "grey", "red", ...
  double mean = 0.0;
  double spread = 0.0;
  double black_share = 0.0;
  double white_share = 0.0;
};

struct ImageFigures {
  std::string of = {};  ///< "samples", "training images", "reference images"
  std::int64_t images = 0;
  std::vector<ChannelFigures> channels = {};
};

/// How bright samples are beside the images that they should look like.
struct PixelRecord {
  ImageFigures samples = {};
  std::optional<ImageFigures> data = {};             ///< unset if nothing is known of them
  std::optional<double> brightness_difference = {};  ///< as the function of that name gives it
};

/// `data`, called `data_name`, may be empty.
PixelRecord pixel_record(const PixelStatistics& samples, const PixelStatistics& data, const std::string& data_name);

/// Where samples.json and the sample quality of an evaluation hold the record.
inline constexpr const char* pixels_key = "pixels";
/// The record that a JSON object holds there; unset if it is from before there was one. Throws Error if it is none.
std::optional<PixelRecord> find_pixels(const nlohmann::json& object);

void to_json(nlohmann::json& json, const PixelRecord& record);
/// Strict.
void from_json(const nlohmann::json& json, PixelRecord& record);

}  // namespace iddpm
