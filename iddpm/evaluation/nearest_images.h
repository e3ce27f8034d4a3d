#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"

namespace iddpm {

/// An image of a data set that is near to another image.
struct NearImage {
  std::int64_t index = 0;  ///< its place in the data set
  double distance = 0;     ///< root of the mean squared difference of their pixels' values, 0 to 255
};

struct NearestImagesOptions {
  std::int64_t neighbours = 1;  ///< of each image
  std::int64_t count = 0;       ///< images of the data set looked at, evenly spread; 0: all
  bool mirrored = false;        ///< the images count as near as their mirror images are, if that is nearer
  std::vector<std::int64_t> left_out =
      {};  ///< for each image a place in the data set that isn't its neighbour: its own
  std::int64_t batch = 64;
};

/// For each of the images, uint8 [N, C, H, W], the nearest of a data set, the nearest first: how copies are seen.
/// Distances are computed from differences, not from products, so that that of a copy is 0. Broken images are left out
/// and named in `skipped`. Throws Error if the shapes differ or an option is out of range.
std::vector<std::vector<NearImage>> nearest_images(const Tensor& images, const Dataset& dataset,
                                                   const NearestImagesOptions& options,
                                                   std::vector<std::string>& skipped,
                                                   const ProgressCallback& progress = {});

}  // namespace iddpm
