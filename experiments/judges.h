#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "experiments/workbench.h"
#include "iddpm/evaluation/features/feature_network.h"

namespace iddpm::experiments {

/// Choices are made by one network and images, results reported by others: what suits the one by chance doesn't help
/// with the other.
enum class JudgeRole {
  tuning,    ///< a classifier of the settings' seed; training images
  reporting  ///< a classifier of the next seed, or the feature network in the settings; test images, if there are any
};

/// The two judges of a workbench, made when they are first asked.
class Judges {
 public:
  explicit Judges(Workbench& bench) : bench_(bench) {}

  /// All metrics of images, uint8 [N, C, H, W], under sample_metrics.h's names, with
  /// "extrapolated_frechet_distance" (frechet_extrapolation.h; absent for fewer than 4 images), "protocol" and
  /// "measurement_id". Kept in the work folder.
  nlohmann::json judge(JudgeRole role, const std::string& source, const Tensor& images);

 private:
  const FeatureNetwork& network(JudgeRole role);
  const FeatureSet& reference(JudgeRole role);

  Workbench& bench_;
  std::map<JudgeRole, std::unique_ptr<FeatureNetwork>> networks_;
  std::map<JudgeRole, FeatureSet> references_;
};

/// Of a judgement: the extrapolated Frechet distance, or the plain one of too few images.
double extrapolated_distance(const nlohmann::json& judgement);

}  // namespace iddpm::experiments
