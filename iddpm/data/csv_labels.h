#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "iddpm/data/dataset_description.h"

namespace iddpm {

/// What a table says of a folder's images.
struct CsvLabels {
  std::unordered_map<std::string, std::string> labels;  ///< by image, as in the list
  std::vector<LeftOut> left_out;                        ///< lines that can't be read, contradictions
};

/// Reads a table of labels as spreadsheets write it: fields between commas, semicolons or tabs, in double quotes if
/// need be ("" inside for one quote), UTF-8 with or without byte order mark or UTF-16 with one, any line ends. Two
/// columns, file and label, or a header that names one of more columns label, class, category, target or species; the
/// column of files is the one that holds names of images. A file may be relative to the images' folder, with ./ or the
/// folder's own name before it, absolute, with backslashes, in another case, or without its ending. Lines of files that
/// are not among `images` don't matter: a table may be for several folders. A line without a label, and an image with
/// two different ones, are left out. Throws Error if the file can't be read, no column names images, or which column
/// holds the labels can't be told.
CsvLabels read_csv_labels(const std::filesystem::path& csv, const std::filesystem::path& folder,
                          const std::vector<std::string>& images);

}  // namespace iddpm
