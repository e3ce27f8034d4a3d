#include "iddpm/data/folder_labels.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/csv_labels.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

std::optional<std::string> subfolder_of(const std::string& image) {
  const std::size_t slash = image.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return image.substr(0, slash);
}

std::string file_name_of(const std::string& image) { return image.substr(image.rfind('/') + 1); }

std::optional<std::string> prefix_of(const std::string& image) {
  const std::string name = file_name_of(image);
  const std::size_t underscore = name.find('_');
  if (underscore == std::string::npos || underscore == 0) return std::nullopt;
  return name.substr(0, underscore);
}

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Numbers each image's class by the place of its name in the sorted list of names.
FolderLabels number_classes(const std::vector<std::string>& name_of_image, bool numbers_by_value) {
  std::unordered_map<std::string, std::int64_t> index;
  for (const std::string& name : name_of_image) index.emplace(name, 0);
  FolderLabels result;
  for (const auto& [name, unused] : index) result.class_names.push_back(name);
  std::sort(result.class_names.begin(), result.class_names.end());
  if (numbers_by_value && std::all_of(result.class_names.begin(), result.class_names.end(), is_whole_number)) {
    std::stable_sort(result.class_names.begin(), result.class_names.end(),
                     [](const std::string& a, const std::string& b) { return std::stoll(a) < std::stoll(b); });
  }
  for (std::size_t i = 0; i < result.class_names.size(); ++i) {
    index[result.class_names[i]] = static_cast<std::int64_t>(i);
  }
  result.labels.reserve(name_of_image.size());
  for (const std::string& name : name_of_image) result.labels.push_back(index[name]);
  return result;
}

/// Labels if `class_of` knows one for every image, and there are at least two classes, and fewer than `most` classes.
template <typename ClassOf>
std::optional<FolderLabels> labels_if_plausible(const std::vector<std::string>& images, const ClassOf& class_of,
                                                std::size_t most) {
  std::vector<std::string> names;
  for (const std::string& image : images) {
    std::optional<std::string> name = class_of(image);
    if (!name) return std::nullopt;
    names.push_back(std::move(*name));
  }
  FolderLabels result = number_classes(names, false);
  if (result.class_names.size() < 2 || result.class_names.size() >= most) return std::nullopt;
  return result;
}

template <typename ClassOf>
FolderLabels labels_or_error(const std::vector<std::string>& images, const std::filesystem::path& folder,
                             const ClassOf& class_of, std::string_view reason) {
  std::vector<std::string> names;
  for (const std::string& image : images) {
    std::optional<std::string> name = class_of(image);
    if (!name) fail("{} has no label: {}", (folder / image).string(), reason);
    names.push_back(std::move(*name));
  }
  return number_classes(names, false);
}

FolderLabels labels_from_csv(const std::vector<std::string>& images, const std::filesystem::path& folder,
                             const std::filesystem::path& csv) {
  require(!csv.empty(), "labels from a CSV: the path of the CSV file is expected");
  const std::unordered_map<std::string, std::string> table = read_csv_labels(csv, images);
  std::vector<std::string> names;
  for (const std::string& image : images) {
    const auto found = table.find(image);
    require(found != table.end(), "{} has no label: {} has no line for {}", (folder / image).string(), csv.string(),
            quote(image));
    names.push_back(found->second);
  }
  return number_classes(names, true);
}

}  // namespace

FolderLabels label_images(const std::vector<std::string>& images, const std::filesystem::path& folder,
                          LabelSource source, const std::filesystem::path& csv) {
  switch (source) {
    case LabelSource::none:
      return {};
    case LabelSource::subfolders:
      return labels_or_error(images, folder, subfolder_of, "it is expected in a sub-folder named after its class");
    case LabelSource::file_name_prefix:
      return labels_or_error(images, folder, prefix_of,
                             "its name is expected to begin with its class and an underscore");
    case LabelSource::csv:
      return labels_from_csv(images, folder, csv);
    case LabelSource::automatic:
      break;
  }
  if (auto labels = labels_if_plausible(images, subfolder_of, images.size() + 1)) return *std::move(labels);
  if (auto labels = labels_if_plausible(images, prefix_of, images.size())) return *std::move(labels);
  return {};
}

}  // namespace iddpm
