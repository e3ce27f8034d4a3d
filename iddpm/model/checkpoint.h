#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/pixel_statistics.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/model/diffusers/folder.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/nn/unet.h"

namespace iddpm {

/// What a checkpoint says of itself (docs/checkpoint_format.md).
struct CheckpointInfo {
  ModelSettings settings = {};
  std::int64_t step = 0;
  std::uint64_t seed = 0;
  std::string version = {};            ///< of the program that wrote it
  std::vector<double> ema_rates = {};  ///< in the order of training
  nlohmann::json origin = nullptr;     ///< free: data set, preset, what it was converted from
  PixelStatistics data_pixels = {};    ///< of the images that it was trained on; empty if that isn't known
};

/// Which of a checkpoint's weights: the raw ones, or the EMA of a rate.
struct WeightChoice {
  std::optional<double> ema_rate = {};  ///< unset: the checkpoint's first EMA rate, or raw if it has none
  bool raw = false;
};

/// A tensor of a model file.
struct StoredTensor {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape = {};
};

/// A model file: self-describing safetensors, or the weights in a folder of diffusers (model/diffusers/), which the
/// files beside them describe. Tensors are named "model.<parameter>" and "ema_<rate>.<parameter>".
class Checkpoint {
 public:
  /// Throws Error if the file is missing, broken, of another kind or inconsistent (a stranger's file too: nothing is
  /// allocated for what it claims before it is known to hold it). Of a file of ours no weights are read yet; those of
  /// diffusers are read and held.
  explicit Checkpoint(const std::filesystem::path& path);

  const CheckpointInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }
  /// Bytes of the file.
  std::uint64_t file_size() const;
  /// In the order of the data.
  std::vector<StoredTensor> tensors() const;
  /// CRC-32C of each set of weights, as the file states it ("model", "ema_0.9999"); of a file that isn't ours, as read.
  const std::map<std::string, std::uint32_t>& checksums() const { return checksums_; }
  /// Scalars of one set of weights.
  std::int64_t parameters() const { return parameters_; }

  /// The network with its weights, every one present and of the right shape.
  UNet load_network(const WeightChoice& choice = {}) const;
  /// The rate that `choice` means; unset for the raw weights. Throws Error listing the rates there are.
  std::optional<double> chosen_rate(const WeightChoice& choice) const;
  /// One set of weights, under the network's own names. Throws Error if their checksum is not the file's.
  NamedTensors weights(const WeightChoice& choice) const;
  /// Reads everything and throws Error if any set of weights has changed since it was written.
  void verify() const;

 private:
  void open_own();
  void open_of_diffusers(const diffusers::Surroundings& surroundings);

  std::filesystem::path path_;
  std::optional<SafetensorsFile> file_;  // of ours
  NamedTensors held_;                    // of diffusers, under our names
  CheckpointInfo info_;
  std::map<std::string, std::uint32_t> checksums_;
  std::int64_t parameters_ = 0;
};

/// Weights to be saved: raw, and one set per EMA rate of the info.
struct CheckpointWeights {
  NamedParameters raw = {};
  std::vector<NamedParameters> emas = {};
};

/// Writes a model file atomically; an empty `info.version` becomes this library's. Throws Error if settings and weights
/// don't fit each other, or the file can't be written; what was there under the name is then still there.
void save_checkpoint(const std::filesystem::path& path, const CheckpointInfo& info, const CheckpointWeights& weights);

/// A one-page explanation for people, and the same for scripts.
std::string describe(const Checkpoint& checkpoint);
nlohmann::json describe_json(const Checkpoint& checkpoint);

}  // namespace iddpm
