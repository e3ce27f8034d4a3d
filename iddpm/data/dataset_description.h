#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace iddpm {

/// Files or images that are not part of a data set, and why.
struct LeftOut {
  std::string reason;  ///< "broken", ".heic files", "hidden"
  std::int64_t count = 0;
  std::vector<std::string> examples = {};  ///< some of their names
};

/// How data were understood, for people to check before a training.
struct DatasetDescription {
  std::string kind = "images";  ///< "folder of images", "CIFAR-10" ...
  std::string source = {};      ///< the folder or file that was read
  std::int64_t images = 0;
  std::vector<std::int64_t> image_shape = {};  ///< [C, H, W], as they are given out
  /// Of their own: the smallest and largest [H, W] of those that were looked at. Empty if not known.
  std::vector<std::int64_t> smallest = {};
  std::vector<std::int64_t> largest = {};
  std::string split = {};        ///< "train (Training/), beside Testing/"; empty if there is one set only
  std::string labels_from = {};  ///< the rule that gave classes ("sub-folders"), or why there are none
  std::vector<std::pair<std::string, std::int64_t>> classes = {};  ///< name and number of images
  std::vector<LeftOut> left_out = {};
  /// Of the images that were looked at: how many have a colour profile other than sRGB, which is not applied, by its
  /// name.
  std::map<std::string, std::int64_t> colour_profiles = {};
};

/// The description in two to five lines, the first beginning with "Data:".
std::vector<std::string> description_lines(const DatasetDescription& description);

void to_json(nlohmann::json& json, const DatasetDescription& description);

/// Counts one more thing left out for `reason`, keeping the first few names.
void leave_out(std::vector<LeftOut>& left_out, const std::string& reason, const std::string& name);

}  // namespace iddpm
