#include "iddpm/data/dataset_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "iddpm/data/dataset.h"

namespace iddpm {

namespace {

constexpr std::size_t most_examples = 3;
constexpr std::size_t most_classes_shown = 10;

std::string counted(std::int64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string sizes_text(const DatasetDescription& description) {
  const auto size_of = [](const std::vector<std::int64_t>& size) { return fmt::format("{} x {}", size[1], size[0]); };
  const std::vector<std::int64_t> given = {description.image_shape[1], description.image_shape[2]};
  const char* channels = description.image_shape[0] == 1   ? "grey"
                         : description.image_shape[0] == 3 ? "in colour"
                                                           : "in colour with alpha";
  if (description.smallest.empty()) return fmt::format("{} pixels (width x height), {}", size_of(given), channels);
  std::string text = size_of(description.smallest);
  if (description.largest != description.smallest) text += " to " + size_of(description.largest);
  text += " pixels (width x height), ";
  text += channels;
  if (description.smallest != given || description.largest != given) {
    text += ", brought to " + size_of(given);
    const bool cropped = description.smallest[0] * given[1] != description.smallest[1] * given[0] ||
                         description.largest[0] * given[1] != description.largest[1] * given[0];
    if (cropped) text += " (the middle of each)";
  }
  return text;
}

std::string classes_text(const DatasetDescription& description) {
  std::vector<std::string> shown;
  for (const auto& [name, count] : description.classes) {
    if (shown.size() == most_classes_shown) break;
    shown.push_back(fmt::format("{} {}", name, count));
  }
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (description.classes.size() > shown.size()) {
    const auto [least, most] = std::minmax_element(description.classes.begin(), description.classes.end(),
                                                   [](const auto& a, const auto& b) { return a.second < b.second; });
    text += fmt::format(", and {} more ({} to {} images each)", description.classes.size() - shown.size(),
                        least->second, most->second);
  }
  return text;
}

}  // namespace

std::vector<std::string> description_lines(const DatasetDescription& description) {
  std::vector<std::string> lines = {fmt::format(
      "Data: {} of {}; {} {}{}", counted(description.images, "image", "images"), sizes_text(description),
      description.kind, description.source, description.split.empty() ? "" : "; split " + description.split)};
  if (!description.classes.empty()) {
    lines.push_back(fmt::format(
        "{} from {}: {}", counted(static_cast<std::int64_t>(description.classes.size()), "class", "classes"),
        description.labels_from.empty() ? "the data" : description.labels_from, classes_text(description)));
  } else {
    lines.push_back(description.labels_from.empty() ? "No labels" : "No labels: " + description.labels_from);
  }
  std::vector<std::string> parts;
  for (const LeftOut& left : description.left_out) {
    const std::size_t unnamed = static_cast<std::size_t>(left.count) -
                                std::min<std::size_t>(left.examples.size(), static_cast<std::size_t>(left.count));
    parts.push_back(fmt::format("{} {} ({}{})", left.count, left.reason, fmt::join(left.examples, ", "),
                                unnamed > 0 ? ", ..." : ""));
  }
  if (!parts.empty()) lines.push_back(fmt::format("Left out: {}", fmt::join(parts, "; ")));
  std::vector<std::string> profiles;
  for (const auto& [name, count] : description.colour_profiles) profiles.push_back(fmt::format("{} {}", name, count));
  if (!profiles.empty()) {
    lines.push_back(fmt::format("Colour profiles of the images looked at, whose colours are taken for sRGB: {}",
                                fmt::join(profiles, ", ")));
  }
  return lines;
}

void to_json(nlohmann::json& json, const DatasetDescription& description) {
  json = {{"kind", description.kind},
          {"source", description.source},
          {"images", description.images},
          {"image_shape", description.image_shape},
          {"smallest", description.smallest},
          {"largest", description.largest},
          {"split", description.split},
          {"labels_from", description.labels_from},
          {"classes", nlohmann::json::array()},
          {"left_out", nlohmann::json::array()},
          {"colour_profiles", description.colour_profiles}};
  for (const auto& [name, count] : description.classes) {
    json["classes"].push_back({{"name", name}, {"images", count}});
  }
  for (const LeftOut& left : description.left_out) {
    json["left_out"].push_back({{"reason", left.reason}, {"count", left.count}, {"examples", left.examples}});
  }
}

void leave_out(std::vector<LeftOut>& left_out, const std::string& reason, const std::string& name) {
  auto place = std::find_if(left_out.begin(), left_out.end(), [&](const LeftOut& l) { return l.reason == reason; });
  if (place == left_out.end()) place = left_out.insert(left_out.end(), {.reason = reason});
  ++place->count;
  if (place->examples.size() < most_examples) place->examples.push_back(name);
}

DatasetDescription Dataset::description() const {
  DatasetDescription description;
  description.images = size();
  description.image_shape = image_shape();
  for (const std::string& name : class_names()) description.classes.emplace_back(name, 0);
  if (description.classes.empty()) return description;
  for (std::int64_t i = 0; i < size(); ++i) {
    const std::int64_t label = this->label(i);
    if (label >= 0) ++description.classes[static_cast<std::size_t>(label)].second;
  }
  return description;
}

std::uint64_t Dataset::contents_hash() const { return 0; }

}  // namespace iddpm
