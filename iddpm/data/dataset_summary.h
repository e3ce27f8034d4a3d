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
  /// 16 hexadecimal digits: the FNV-1a hash (64 bits) of size, shape, class names, all labels, and the pixels of the
  /// first, middle and last images. Tells data sets apart that were mistaken for one another; it is no proof that all
  /// images are the same, and no protection against malice.
  std::string fingerprint;
};

/// Reads three images. One that is broken counts as empty.
DatasetSummary dataset_summary(const Dataset& dataset, const std::filesystem::path& path);

}  // namespace iddpm
