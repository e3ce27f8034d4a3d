#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/data/dataset.h"
#include "iddpm/model/trained_classifier.h"

namespace iddpm {

/// How often a classifier is right about images noised to some timesteps, evenly spread in the log-SNR.
struct ClassifierAccuracy {
  std::vector<NoiseLevelAccuracy> at_noise_levels = {};
  std::int64_t images = 0;
};

/// Over all images of a data set of the classifier's classes and shape; names of broken images go to `skipped`. Noise
/// is a function of the seed and the image's place. `progress` counts images.
ClassifierAccuracy measure_accuracy(const TrainedClassifier& classifier, const Dataset& dataset, std::uint64_t seed,
                                    std::vector<std::string>& skipped, const ProgressCallback& progress = {});

}  // namespace iddpm
