#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/features/feature_classifier.h"

namespace iddpm {

struct FeatureTrainingOptions {
  std::int64_t steps = 1500;
  std::int64_t batch = 64;
  double learning_rate = 3e-3;  ///< the largest: it rises over the first steps and falls to 0 like a cosine
  double weight_decay = 0.01;
  std::uint64_t seed = 0;
  double held_out = 0.1;       ///< share of the data kept from training to measure accuracy, where no test set is given
  std::int64_t channels = 32;  ///< a quarter of the features, see FeatureClassifierOptions
  at::Device device = at::kCPU;
};

struct FeatureTrainingProgress {
  std::int64_t step = 0;  ///< steps done
  std::int64_t steps = 0;
  double loss = 0.0;  ///< cross-entropy in nats, averaged over recent steps
};

/// Trains a feature classifier on the classes of a data set by AdamW on the cross-entropy, and measures its accuracy on
/// `test`, or without one on images held out. With the same number of threads the result is a function of the data, the
/// options and the seed. `source_name`: what to call the data set. If `progress`, told after each step, returns false,
/// training stops there. Throws Error for options out of range, data without classes or with broken images only, or a
/// test set whose classes or shape are others; and if the loss stops being finite.
FeatureClassifier train_feature_classifier(const Dataset& dataset, const Dataset* test,
                                           const FeatureTrainingOptions& options, const std::string& source_name,
                                           const std::function<bool(const FeatureTrainingProgress&)>& progress = {});

}  // namespace iddpm
