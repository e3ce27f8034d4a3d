#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "iddpm/evaluation/features/feature_classifier_network.h"
#include "iddpm/evaluation/features/feature_network.h"
#include "iddpm/io/safetensors.h"

namespace iddpm {

/// How a feature classifier came about and how well it does.
struct FeatureClassifierRecord {
  std::vector<std::string> class_names = {};
  std::string source = {};  ///< for people: the data set, "fashion-mnist"
  std::int64_t steps = 0;
  std::uint64_t seed = 0;
  double accuracy = 0.0;             ///< share of the images below that it names right
  std::int64_t accuracy_images = 0;  ///< images that it was not trained on
  bool test_set = false;             ///< they are the data set's own test set, otherwise a part held out
};

/// A small classifier of one data set, whose pooled features judge samples where Inception's weights can't be had or
/// don't suit: small, grey or unlike photographs. Its distances are not FID and are never called so.
class FeatureClassifier : public FeatureNetwork {
 public:
  /// Takes the network as it is now: it must not be trained any more.
  FeatureClassifier(FeatureClassifierNetwork network, FeatureClassifierRecord record);

  /// images [N, C, H, W] of the size and channels that it was trained on, 0 .. 255. No spatial features.
  Features features(const Tensor& images) const override;
  FeatureSpace space() const override { return space_; }

  const FeatureClassifierOptions& options() const { return network_.options(); }
  const FeatureClassifierRecord& record() const { return record_; }
  double accuracy() const { return record_.accuracy; }

  /// The same classifier on another device.
  FeatureClassifier to(at::Device device) const;

  /// A self-describing safetensors file: weights by name, options and record in the metadata. Atomically.
  void save(const std::filesystem::path& path) const;
  /// Throws Error naming the file if it is none of these, or its weights are not those that its options ask for, all
  /// checked before anything is allocated.
  static FeatureClassifier load(const std::filesystem::path& path);
  /// Whether a file says that it is one.
  static bool is_classifier(const SafetensorsFile& file);

 private:
  FeatureClassifierNetwork network_;
  FeatureClassifierRecord record_;
  FeatureSpace space_;
};

/// A page about it for people: size, classes, training, accuracy.
std::string describe(const FeatureClassifier& classifier);

}  // namespace iddpm
