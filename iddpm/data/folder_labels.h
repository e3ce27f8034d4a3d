#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// Classes of a list of images.
struct FolderLabels {
  std::vector<std::int64_t> labels;  ///< one per image, an index into class_names; empty if there are no classes
  std::vector<std::string> class_names;
  std::string from = {};               ///< the rule that gave classes, or why there are none
  std::vector<LeftOut> left_out = {};  ///< images without a class (label -1), and lines of a table
};

/// Labels of `images` (paths relative to `folder`) from the source that the options name:
/// - subfolders: the first folder of the relative path;
/// - file_name_prefix: the file's name before its first underscore;
/// - csv: the table (see read_csv_labels);
/// - automatic: see LabelSource.
/// Class names are sorted bytewise, those of a CSV by number if all are whole numbers; or they are those that the
/// options name. An image for which the source has no label, or another one, gets -1 and is named in `left_out`. Throws
/// Error if no image has a label.
FolderLabels label_images(const std::vector<std::string>& images, const std::filesystem::path& folder,
                          const DatasetOptions& options);

/// The same from classes that are known otherwise, one for each image or none: names sorted bytewise, or by value if
/// all are whole numbers, or those that the options name. `from`: the rule that gave them.
FolderLabels labels_of_classes(const std::vector<std::string>& images,
                               const std::vector<std::optional<std::string>>& classes, const DatasetOptions& options,
                               const std::string& from);

}  // namespace iddpm
