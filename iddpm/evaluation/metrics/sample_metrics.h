#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/evaluation/features/feature_set.h"
#include "iddpm/evaluation/metrics/density_coverage.h"
#include "iddpm/evaluation/metrics/inception_score.h"
#include "iddpm/evaluation/metrics/precision_recall.h"
#include "iddpm/evaluation/protocol.h"

namespace iddpm {

/// Precision, recall, density and coverage with the k-th nearest neighbour.
struct ManifoldMetrics {
  std::int64_t k = 0;
  PrecisionRecall manifold = {};
  DensityCoverage balls = {};
};

/// How good samples are. What needs features that a set doesn't have is unset.
struct SampleMetrics {
  double frechet_distance = 0.0;                        ///< FID, if the features are FID's
  std::optional<double> spatial_frechet_distance = {};  ///< sFID, if they are
  std::optional<double> kernel_distance = {};           ///< KID, if they are
  std::optional<InceptionScore> inception_score = {};
  std::vector<ManifoldMetrics> neighbours = {};
};

struct SampleMetricsOptions {
  std::vector<std::int64_t> neighbours = {3, 5};  ///< k; those that a set is too small for are left out
  std::int64_t images_per_split = 5000;           ///< of the Inception score; fewer images are one split
  std::int64_t block = 2048;                      ///< see PairwiseOptions
  std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)> progress = {};
};

/// Compares fake images with real ones by all metrics that their features allow. Throws Error if the features come from
/// different networks.
SampleMetrics evaluate_samples(const FeatureSet& real, const FeatureSet& fake,
                               const SampleMetricsOptions& options = {});

/// The protocol of such a comparison.
Protocol sample_protocol(const FeatureSet& real, const FeatureSet& fake, const SampleMetrics& metrics,
                         std::optional<ModelRecord> model = {});

/// Under names that tell nothing of the features: "frechet_distance", "kernel_distance", "class_score" (the Inception
/// score, in whatever features), ...
void to_json(nlohmann::json& json, const SampleMetrics& metrics);

/// A table for people, with names that belong to the features: "FID" for FID's alone, otherwise "Frechet distance in
/// features of ...".
std::string format_table(const SampleMetrics& metrics, const FeatureSpace& space);

}  // namespace iddpm
