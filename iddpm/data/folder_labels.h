#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// Classes of a list of images.
struct FolderLabels {
  std::vector<std::int64_t> labels;  ///< one per image, an index into class_names; empty if there are no classes
  std::vector<std::string> class_names;
};

/// Labels of `images` (paths relative to `folder`) from the given source:
/// - subfolders: the first folder of the relative path;
/// - file_name_prefix: the file's name before its first underscore;
/// - csv: the table `csv` (see read_csv_labels);
/// - automatic: sub-folders if every image is in one and there are at least two; otherwise file-name prefixes if every
///   name has an underscore and there are at least two and fewer prefixes than images; otherwise none.
/// Class names are sorted bytewise, those of a CSV by number if all are whole numbers. Throws Error naming an image for
/// which the source has no label.
FolderLabels label_images(const std::vector<std::string>& images, const std::filesystem::path& folder,
                          LabelSource source, const std::filesystem::path& csv);

}  // namespace iddpm
