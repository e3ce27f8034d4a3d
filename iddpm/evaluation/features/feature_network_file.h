#pragma once

#include <filesystem>
#include <memory>

#include "iddpm/evaluation/features/feature_network.h"

namespace iddpm {

/// The feature network in a file: a classifier saved by FeatureClassifier, or the Inception network of FID, as
/// published or converted. Throws Error naming the file if it is neither.
std::unique_ptr<FeatureNetwork> load_feature_network(const std::filesystem::path& path, at::Device device = at::kCPU);

}  // namespace iddpm
