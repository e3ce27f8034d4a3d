#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/pixel_statistics.h"
#include "iddpm/evaluation/features/feature_network.h"
#include "iddpm/evaluation/metrics/frechet_distance.h"
#include "iddpm/evaluation/protocol.h"
#include "iddpm/io/file_hash.h"

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

/// A feature set in the making: images go through the network batch by batch, and none is kept.
class FeatureCollector {
 public:
  /// Of the options, `source` and `keep_features`. The network must outlive it.
  FeatureCollector(const FeatureNetwork& network, FeatureSetOptions options)
      : network_(network), options_(std::move(options)) {}

  /// uint8 [N, C, H, W]. Throws NotFiniteError if features of one aren't finite, calling it by its name, if there are
  /// N `names`, or its number among all.
  void add(const Tensor& images, const std::vector<std::string>& names = {});
  std::int64_t count() const { return pixels_.images; }
  /// Throws Error if fewer than two images were added.
  FeatureSet finish() const;

 private:
  const FeatureNetwork& network_;
  FeatureSetOptions options_;
  FeatureStatistics pooled_ = {}, spatial_ = {};
  std::vector<Tensor> features_ = {}, probabilities_ = {};
  PixelStatistics pixels_ = {};
  Sha256 hash_ = {};
  std::vector<std::int64_t> image_shape_ = {};
};

/// Runs a data set through a feature network. Broken images are left out and their names added to `skipped`. The set's
/// SHA-256 is that of its pixels (uint8, image after image, [C, H, W]). `progress` counts images. Throws Error if fewer
/// than two images are left.
FeatureSet collect_features(const FeatureNetwork& network, const Dataset& dataset, const FeatureSetOptions& options,
                            std::vector<std::string>& skipped, const ProgressCallback& progress = {});

}  // namespace iddpm
