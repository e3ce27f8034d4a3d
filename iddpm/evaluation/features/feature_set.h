#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/pixel_statistics.h"
#include "iddpm/evaluation/features/feature_network.h"
#include "iddpm/evaluation/metrics/frechet_distance.h"
#include "iddpm/evaluation/progress.h"
#include "iddpm/evaluation/protocol.h"

namespace iddpm {

/// What is kept of a set of images to compare it with others: all that metrics need.
struct FeatureSet {
  FeatureSpace space = {};
  ImageSetRecord images = {};
  PixelStatistics pixels = {};  ///< of the images; empty for statistics from a file, which don't hold it
  FeatureMoments pooled = {};
  std::optional<FeatureMoments> spatial = {};  ///< for sFID, if the network has spatial features
  Tensor features = {};                        ///< [N, D] float32, each image's pooled ones; undefined if not kept
  Tensor probabilities = {};                   ///< [N, classes] float32; undefined if the network has none or not kept
};

struct FeatureSetOptions {
  std::int64_t count = 0;  ///< images, evenly spread over the data set; 0: all of them
  std::int64_t batch = 32;
  std::string source = {};    ///< what to call the set in protocols
  bool keep_features = true;  ///< 4 D bytes per image; without them there is only the Frechet distance
};

/// Runs a data set through a feature network. Broken images are left out and their names added to `skipped`. The set's
/// SHA-256 is that of its pixels (uint8, image after image, [C, H, W]). `progress` counts images. Throws Error if fewer
/// than two images are left.
FeatureSet collect_features(const FeatureNetwork& network, const Dataset& dataset, const FeatureSetOptions& options,
                            std::vector<std::string>& skipped, const ProgressCallback& progress = {});

}  // namespace iddpm
