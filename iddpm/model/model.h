#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/diffusion/reverse_process.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/model/compute.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/nn/unet.h"

namespace iddpm {

/// What a path that names a model leads to.
enum class ModelSource { model_file, folder };
/// The one place that decides it. Throws Error naming the path if there is nothing.
ModelSource model_source(const std::filesystem::path& path);

/// Which of a model's weights, and where and how they compute.
struct ModelOptions {
  WeightChoice weights = {};
  std::optional<at::Device> device = {};    ///< unset: `default_device`
  std::optional<Precision> precision = {};  ///< unset: `default_precision` of the device
};

/// "ema 0.999"; "raw" without a rate: what results and records call a set of weights.
std::string weights_name(std::optional<double> ema_rate);

/// A model ready for use: its network on a device and in a precision, its settings and what its file says of it. The
/// door for all that draw, measure or judge with a model. A handle: copies share the network.
class Model {
 public:
  /// Opens a model file, the newest whole checkpoint of a run folder, or the model in a folder of diffusers. Throws
  /// Error as Checkpoint and `find_checkpoint` do, and if the weights asked for aren't in it.
  static Model open(const std::filesystem::path& path, const ModelOptions& options = {});

  /// A model at hand, one in training for example: it shares the network, and sets its precision. It has no path, and
  /// its weights are called what `weights` says.
  Model(CheckpointInfo info, UNet network, Precision precision, std::string weights = "raw");

  const CheckpointInfo& info() const { return info_; }
  const ModelSettings& settings() const { return info_.settings; }
  const UNet& network() const { return network_; }
  at::Device device() const { return network_.device(); }
  Precision precision() const { return precision_; }
  /// [C, H, W].
  std::vector<std::int64_t> image_shape() const;
  bool has_classes() const { return settings().network.classes > 0; }

  /// The model file; empty for a model at hand.
  const std::filesystem::path& path() const { return path_; }
  /// "ema 0.999" or "raw".
  const std::string& weights() const { return weights_; }
  /// CRC-32C of the weights, as the file states it; unset for a model at hand.
  std::optional<std::uint32_t> checksum() const { return checksum_; }
  /// Newer checkpoints of the run that are damaged and were passed over: a sentence for each.
  const std::vector<std::string>& skipped() const { return skipped_; }

  /// The same model told what to enlarge in every batch to come, [N, C, h, w] with its noise.
  Model enlarging(Tensor low_resolution) const;

  /// The same model read as another process: with another fixed variance, say.
  Model with(const DiffusionSettings& diffusion) const;
  ReverseProcess reverse_process() const;
  /// The network told the classes y [N] of a batch, which a model without classes leaves out.
  Network network_of(const Tensor& y = {}) const;
  /// The same as a (shortened) process of this model reads it.
  Denoiser denoiser_of(const ReverseProcess& process, const Tensor& y = {}) const;

 private:
  CheckpointInfo info_;
  UNet network_;
  Precision precision_;
  std::filesystem::path path_;
  std::string weights_;
  std::optional<std::uint32_t> checksum_;
  Tensor low_resolution_ = {};  ///< what is enlarged
  std::vector<std::string> skipped_;
};

}  // namespace iddpm
