#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/evaluation/features/feature_set.h"

namespace iddpm::cli {

/// The feature network in a file, after a try with an image of the shape [C, H, W] to come: throws Error naming the
/// file if it doesn't take such.
std::unique_ptr<FeatureNetwork> open_feature_network(const std::filesystem::path& path, at::Device device,
                                                     const std::vector<std::int64_t>& image_shape);

/// What samples are compared with: images, or statistics of images.
struct ReferenceOptions {
  std::filesystem::path path;
  std::string split;
  std::int64_t count = 0;  ///< images, evenly spread; 0: all
  double background = 1.0;
};

struct Reference {
  std::optional<FeatureSet> statistics;
  std::shared_ptr<const Dataset> images;  ///< where there are no statistics
  ReferenceOptions options;
};

/// Opens a reference, so that what doesn't fit is found out before samples are drawn: images are fitted to the shape
/// [C, H, W]; statistics must be of it, and of the feature network in `features`.
Reference open_reference(const ReferenceOptions& options, const std::vector<std::int64_t>& image_shape,
                         const FeatureSpace& space, const std::filesystem::path& features);

/// Runs images through a feature network with a progress bar, and says which were broken.
FeatureSet image_features(const FeatureNetwork& network, const Dataset& images, const FeatureSetOptions& options);

/// The features of a reference, whichever it is.
FeatureSet reference_features(const FeatureNetwork& network, const Reference& reference, std::int64_t batch);

struct SampleQuality {
  EvaluationResult result;
  std::string table;  ///< for people
};

/// All metrics, with a progress bar for each of the longer stages, and the pixels of the samples beside those of the
/// reference, or of the model's training where the reference holds no images.
SampleQuality compare_with_reference(const FeatureSet& reference, const FeatureSet& samples,
                                     const std::vector<std::int64_t>& neighbours, std::optional<ModelRecord> model,
                                     const PixelStatistics& training_pixels);

}  // namespace iddpm::cli
