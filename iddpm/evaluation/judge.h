#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/evaluation/features/feature_set.h"
#include "iddpm/evaluation/metrics/sample_metrics.h"
#include "iddpm/evaluation/pixel_record.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/model.h"

namespace iddpm {

/// The feature network in a file, after a try with an image of the shape [C, H, W] to come: throws Error naming the
/// file if it doesn't take such.
std::unique_ptr<FeatureNetwork> open_feature_network(const std::filesystem::path& path, at::Device device,
                                                     const std::vector<std::int64_t>& image_shape);

/// What samples are compared with: images, or statistics of images.
struct ReferenceOptions {
  std::filesystem::path path = {};
  std::string split = {};
  std::int64_t count = 0;  ///< images, evenly spread; 0: all
  double background = 1.0;
};

struct Reference {
  std::optional<FeatureSet> statistics = {};
  std::shared_ptr<const Dataset> images = {};  ///< where there are no statistics
  ReferenceOptions options = {};

  /// What to call it: the path and, if it was asked for, the split.
  std::string source() const;
};

/// Opens a reference, so that what doesn't fit is found out before samples are drawn: images are fitted to the shape
/// [C, H, W]; statistics must be of it, and of the feature network in `features`.
Reference open_reference(const ReferenceOptions& options, const std::vector<std::int64_t>& image_shape,
                         const FeatureSpace& space, const std::filesystem::path& features);

/// The features of a reference, whichever it is; names of broken images go to `skipped`.
FeatureSet reference_features(const FeatureNetwork& network, const Reference& reference, std::int64_t batch,
                              std::vector<std::string>& skipped, const ProgressCallback& progress = {});

/// The features of samples, drawn batch by batch; only their features are kept. `source`: what to call them.
/// `progress` counts images times steps.
FeatureSet sample_features(const FeatureNetwork& network, const Model& model, const DrawRequest& request,
                           const std::string& source, const ProgressCallback& progress = {});

struct SampleQuality {
  EvaluationResult result = {};
  SampleMetrics metrics = {};
  PixelRecord pixels = {};
};

/// All metrics, and the pixels of the samples beside those of the reference, or of the model's training where the
/// reference holds no images. `progress` is told of each of the longer stages.
SampleQuality compare_with_reference(const FeatureSet& reference, const FeatureSet& samples,
                                     const std::vector<std::int64_t>& neighbours, std::optional<ModelRecord> model,
                                     const PixelStatistics& training_pixels, const StageProgress& progress = {});

}  // namespace iddpm
