#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "iddpm/diffusion/settings.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/nn/classifier.h"

namespace iddpm {

/// How often a classifier is right about images noised to one timestep.
struct NoiseLevelAccuracy {
  std::int64_t t = 0;
  double noise_level = 0;  ///< sigma / alpha there
  double accuracy = 0;     ///< 0 .. 1

  bool operator==(const NoiseLevelAccuracy&) const = default;
};

/// What the file of a classifier of noisy images says of itself.
struct ClassifierInfo {
  ClassifierOptions options = {};
  DiffusionSettings diffusion = {};           ///< the process whose x_t it has seen; it is told t as that model is
  std::vector<std::string> class_names = {};  ///< one per class, or empty
  std::string source = {};                    ///< for people: the data
  std::int64_t steps = 0;                     ///< of training
  std::uint64_t seed = 0;
  std::string version = {};                       ///< of the program that wrote it
  std::vector<NoiseLevelAccuracy> accuracy = {};  ///< on images that it wasn't trained on
  std::int64_t accuracy_images = 0;               ///< how many
};

/// A classifier of the noisy images of a diffusion process, ready to guide models of that process (Dhariwal & Nichol
/// 2021, arXiv 2105.05233). A handle: copies share the network.
class TrainedClassifier {
 public:
  /// Reads a file. Throws Error naming it if it is none of these, is damaged, or its weights are not those that its
  /// options ask for, which is checked before memory is taken for them.
  static TrainedClassifier open(const std::filesystem::path& path, at::Device device = at::kCPU);
  /// One at hand; it must not be trained any more. Throws Error if the parts don't fit each other.
  TrainedClassifier(ClassifierInfo info, NoisyClassifier network);

  const ClassifierInfo& info() const { return info_; }
  const NoisyClassifier& network() const { return network_; }
  /// Empty for one at hand.
  const std::filesystem::path& path() const { return path_; }
  /// CRC-32C of the weights.
  std::uint32_t checksum() const { return checksum_; }

  /// A self-describing safetensors file (docs/checkpoint_format.md), atomically.
  void save(const std::filesystem::path& path) const;

 private:
  ClassifierInfo info_;
  NoisyClassifier network_;
  std::filesystem::path path_ = {};
  std::uint32_t checksum_ = 0;
};

/// Whether a file says that it is one.
bool is_trained_classifier(const SafetensorsFile& file);

/// A page about it for people, and the same for scripts.
std::string describe(const TrainedClassifier& classifier);
nlohmann::json describe_json(const TrainedClassifier& classifier);

/// "at t = 120, noise level 0.31: 84.2 %", a line for each.
std::string describe(const std::vector<NoiseLevelAccuracy>& accuracy);

}  // namespace iddpm
