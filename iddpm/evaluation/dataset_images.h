#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"

namespace iddpm {

/// `count` of the numbers 0 .. size - 1, ascending and evenly spread, so that a part of data that is sorted by class
/// still has all classes. All of them if count is 0 or at least size. Throws Error if count is negative.
std::vector<std::int64_t> evenly_spread(std::int64_t size, std::int64_t count);

/// Some images of a data set as they are stored.
struct DatasetImages {
  std::vector<std::int64_t> indices = {};  ///< their places in the data set
  Tensor pixels = {};                      ///< uint8 [N, C, H, W]
  Tensor y = {};                           ///< int64 [N]; undefined if the data set has no classes
};

/// Visits the given images in batches of `batch`, each image once. Broken ones are left out and their names added to
/// `skipped`. Throws Error if all are broken.
void for_each_batch(const Dataset& dataset, const std::vector<std::int64_t>& indices, std::int64_t batch,
                    std::vector<std::string>& skipped, const std::function<void(const DatasetImages&)>& visit);

}  // namespace iddpm
