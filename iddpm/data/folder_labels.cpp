#include "iddpm/data/folder_labels.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/class_name_rules.h"
#include "iddpm/data/csv_labels.h"
#include "iddpm/io/utf8.h"

namespace iddpm {

namespace {

using ImageNames = std::vector<std::string>;
/// The class of each image, if it has one.
using Classes = std::vector<std::optional<std::string>>;

std::optional<std::string> subfolder_of(const std::string& image) {
  const std::size_t slash = image.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return image.substr(0, slash);
}

std::optional<std::string> prefix_of(const std::string& image) {
  const std::string name = image.substr(image.rfind('/') + 1);
  const std::size_t underscore = name.find('_');
  if (underscore == std::string::npos || underscore == 0) return std::nullopt;
  return name.substr(0, underscore);
}

template <typename ClassOf>
Classes classes_by(const ImageNames& images, const ClassOf& class_of) {
  Classes classes;
  classes.reserve(images.size());
  for (const std::string& image : images) classes.push_back(class_of(image));
  return classes;
}

bool all_have_one(const Classes& classes) {
  return std::all_of(classes.begin(), classes.end(), [](const auto& name) { return name.has_value(); });
}

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Each name once, sorted.
std::vector<std::string> distinct(const Classes& classes, bool numbers_by_value) {
  std::vector<std::string> names;
  {
    std::unordered_map<std::string, bool> seen;
    for (const auto& name : classes) {
      if (name && seen.emplace(*name, true).second) names.push_back(*name);
    }
  }
  std::sort(names.begin(), names.end());
  if (numbers_by_value && std::all_of(names.begin(), names.end(), is_whole_number)) {
    std::stable_sort(names.begin(), names.end(),
                     [](const std::string& a, const std::string& b) { return std::stoll(a) < std::stoll(b); });
  }
  return names;
}

/// Numbers the images' classes by `known`, or by their places in the sorted list of names.
FolderLabels number_classes(const ImageNames& images, const Classes& classes, const std::vector<std::string>& known,
                            bool numbers_by_value, std::string from) {
  std::vector<std::string> names = distinct(classes, numbers_by_value);
  FolderLabels result;
  result.from = std::move(from);
  for (const std::string& name : known.empty() ? names : known) {
    result.class_names.push_back(known.empty() ? utf8_text(name) : name);
  }
  std::unordered_map<std::string, std::int64_t> index;
  for (std::size_t i = 0; i < result.class_names.size(); ++i) {
    index.emplace(result.class_names[i], static_cast<std::int64_t>(i));
  }
  result.labels.reserve(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto found = classes[i] ? index.find(utf8_text(*classes[i])) : index.end();
    result.labels.push_back(found == index.end() ? -1 : found->second);
    if (found != index.end()) continue;
    leave_out(result.left_out, classes[i] ? "images of other classes" : "images without a label", images[i]);
  }
  return result;
}

FolderLabels labels_from_csv(const ImageNames& images, const std::filesystem::path& folder,
                             const DatasetOptions& options) {
  require(!options.csv.empty(), "labels from a CSV: the path of the CSV file is expected");
  CsvLabels table = read_csv_labels(options.csv, folder, images);
  const Classes classes = classes_by(images, [&](const std::string& image) -> std::optional<std::string> {
    const auto found = table.labels.find(image);
    return found == table.labels.end() ? std::nullopt : std::optional(found->second);
  });
  FolderLabels result = number_classes(images, classes, options.class_names, true, options.csv.filename().string());
  result.left_out.insert(result.left_out.end(), table.left_out.begin(), table.left_out.end());
  return result;
}

/// Whether one of the known classes is among these, and hardly anything else.
bool are_known(const Classes& classes, const std::vector<std::string>& known) {
  const auto is_known = [&](const auto& name) {
    return name && std::find(known.begin(), known.end(), utf8_text(*name)) != known.end();
  };
  return std::count_if(classes.begin(), classes.end(), is_known) * 2 > static_cast<std::ptrdiff_t>(classes.size());
}

/// The automatic rule of the first version, for the runs that began with it.
FolderLabels labels_by_first_rules(const ImageNames& images, const Classes& subfolders, const Classes& prefixes) {
  const auto plausible = [&](const Classes& classes, std::size_t most) {
    if (!all_have_one(classes)) return false;
    const std::size_t count = distinct(classes, false).size();
    return count >= 2 && count < most;
  };
  if (plausible(subfolders, images.size() + 1)) return number_classes(images, subfolders, {}, false, "sub-folders");
  if (plausible(prefixes, images.size())) return number_classes(images, prefixes, {}, false, "file names");
  return {};
}

FolderLabels automatic_labels(const ImageNames& images, const DatasetOptions& options) {
  const Classes subfolders = classes_by(images, subfolder_of);
  const Classes prefixes = classes_by(images, prefix_of);
  if (options.rules == DataRules::first) return labels_by_first_rules(images, subfolders, prefixes);
  if (!options.class_names.empty()) {
    for (const auto& [classes, from] : {std::pair(&subfolders, "sub-folders"), std::pair(&prefixes, "file names")}) {
      if (are_known(*classes, options.class_names)) {
        return number_classes(images, *classes, options.class_names, false, from);
      }
    }
  }
  FolderLabels none;
  if (all_have_one(subfolders)) {
    const std::vector<std::string> names = distinct(subfolders, false);
    if (names.size() >= 2) {
      none.from = why_no_classes_of_folders(names);
      if (none.from.empty()) return number_classes(images, subfolders, options.class_names, false, "sub-folders");
      none.from += "; --labels folders makes labels of them all the same";
      return none;
    }
  } else if (std::any_of(subfolders.begin(), subfolders.end(), [](const auto& name) { return name.has_value(); })) {
    none.from = "there are images beside the sub-folders";
  }
  if (all_have_one(prefixes)) {
    const std::vector<std::string> names = distinct(prefixes, false);
    if (names.size() >= 2) {
      const std::string why = why_no_classes_of_prefixes(names, images.size());
      if (why.empty())
        return number_classes(images, prefixes, options.class_names, false, "file names, before the '_'");
      none.from = why + "; --labels prefix makes labels of them all the same";
    }
  }
  return none;
}

}  // namespace

FolderLabels label_images(const ImageNames& images, const std::filesystem::path& folder,
                          const DatasetOptions& options) {
  FolderLabels result;
  std::string expectation;
  switch (options.labels) {
    case LabelSource::none:
      return {.labels = {}, .class_names = {}, .from = "they weren't asked for"};
    case LabelSource::automatic:
      result = automatic_labels(images, options);
      break;
    case LabelSource::subfolders:
      result = number_classes(images, classes_by(images, subfolder_of), options.class_names, false, "sub-folders");
      expectation = "images are expected in sub-folders named after their classes";
      break;
    case LabelSource::file_name_prefix:
      result = number_classes(images, classes_by(images, prefix_of), options.class_names, false,
                              "file names, before the '_'");
      expectation = "file names are expected to begin with their class and an underscore";
      break;
    case LabelSource::csv:
      result = labels_from_csv(images, folder, options);
      expectation = fmt::format("{} names none of them", options.csv.string());
      break;
  }
  const bool some =
      std::any_of(result.labels.begin(), result.labels.end(), [](std::int64_t label) { return label >= 0; });
  if (!some && !result.labels.empty() && expectation.empty()) expectation = "their classes are others";
  require(some || expectation.empty(), "none of the {} images in {} has a label{}: {}", images.size(), folder.string(),
          options.class_names.empty() ? "" : fmt::format(" among {}", fmt::join(options.class_names, ", ")),
          expectation);
  return result;
}

FolderLabels labels_of_classes(const ImageNames& images, const Classes& classes, const DatasetOptions& options,
                               const std::string& from) {
  FolderLabels result = number_classes(images, classes, options.class_names, true, from);
  const bool some =
      std::any_of(result.labels.begin(), result.labels.end(), [](std::int64_t label) { return label >= 0; });
  require(some, "none of the {} images has a label among {}: their classes are others", images.size(),
          fmt::join(options.class_names, ", "));
  return result;
}

}  // namespace iddpm
