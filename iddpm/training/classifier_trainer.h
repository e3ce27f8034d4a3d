#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "iddpm/core/fields.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/model/trained_classifier.h"
#include "iddpm/training/optimizer.h"

namespace iddpm {

/// How a classifier of noisy images is trained. The learning rate rises over the first twentieth of the steps and falls
/// to 0 along half a cosine.
struct ClassifierTrainingOptions {
  std::int64_t steps = 3000;
  std::int64_t batch = 64;
  double learning_rate = 3e-4;  ///< the largest
  double weight_decay = 0.05;
  std::uint64_t seed = 0;
  double held_out = 0.1;  ///< share of the data kept to measure accuracy, where they have no test set

  bool operator==(const ClassifierTrainingOptions&) const = default;
};

/// Every option, once: JSON and command line follow.
void visit_fields(ClassifierTrainingOptions& options, const FieldVisitor& visit);

/// Trains a classifier on x_t ~ q(x_t | x_0), t drawn evenly, by AdamW on the cross-entropy (Dhariwal & Nichol 2021,
/// arXiv 2105.05233, section 4). Everything random is a function of the seed and the example's number, so that a
/// training that was saved goes on bit for bit.
class ClassifierTrainer {
 public:
  /// A new one, of what `info` says: options, process, class names, source. Throws Error if something is out of range
  /// or there are fewer than two classes.
  ClassifierTrainer(ClassifierInfo info, ClassifierTrainingOptions options, at::Device device = at::kCPU);

  /// One step on the batch that follows: its first example must be number `examples_seen()`. Returns the mean
  /// cross-entropy in nats. Throws NotFiniteError if it isn't finite, Error if the batch doesn't fit.
  double step(const Batch& batch);

  bool is_done() const { return steps_done_ >= options_.steps; }
  std::int64_t steps_done() const { return steps_done_; }
  std::int64_t examples_seen() const { return steps_done_ * options_.batch; }
  const ClassifierTrainingOptions& options() const { return options_; }

  /// The classifier as it is now; it shares the network.
  TrainedClassifier classifier() const;

  /// Writes all that going on takes, atomically. `data`: what says which images it is trained on.
  void save(const std::filesystem::path& path, const nlohmann::json& data) const;
  /// Goes on from there. Throws Error if the file is damaged, or of another training, naming what differs.
  void restore(const std::filesystem::path& path, const nlohmann::json& data);

 private:
  nlohmann::json description(const nlohmann::json& data) const;

  ClassifierInfo info_;
  ClassifierTrainingOptions options_;
  NoisyClassifier network_;
  NamedParameters parameters_;
  OptimizerState optimizer_;
  ReverseProcess process_;
  std::int64_t steps_done_ = 0;
};

}  // namespace iddpm
