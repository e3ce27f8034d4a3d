#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// What a run's record says about its data.
struct DatasetSummary {
  std::string name;  ///< the path as given
  std::int64_t size = 0;
  std::vector<std::int64_t> image_shape;  ///< [C, H, W]
  std::vector<std::string> class_names;
  /// "2:" and 16 hexadecimal digits: an FNV-1a hash (64 bits) of size, shape, class names, all labels, the pixels of
  /// the first, middle and last images, and the name and size of every file (of data in memory: all pixels). It is no
  /// protection against malice, nor against a changed file of the same name and size.
  std::string fingerprint;
};

/// Reads three images. One that is broken counts as empty.
DatasetSummary dataset_summary(const Dataset& dataset, const std::filesystem::path& path);

/// Whether the data set has this fingerprint. Those that runs recorded at first (16 digits, without files) are computed
/// as they were then.
bool has_fingerprint(const Dataset& dataset, const std::string& recorded);

}  // namespace iddpm
