#pragma once

#include <filesystem>

#include "iddpm/evaluation/features/feature_set.h"

namespace iddpm {

/// Saves a feature set, so that samples can be compared with it without its images: a safetensors file with the moments
/// (float64), the features if the set has them, and where all comes from in the metadata. Probabilities, which only the
/// images judged need, are left out. Atomically.
void save_reference_statistics(const std::filesystem::path& path, const FeatureSet& set);

/// Throws Error naming the file if it is none of ours or inconsistent: types, shapes, counts, values that are not
/// finite or absurdly large, a covariance that is not symmetric or has a negative diagonal.
FeatureSet load_reference_statistics(const std::filesystem::path& path);

}  // namespace iddpm
