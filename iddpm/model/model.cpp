#include "iddpm/model/model.h"

#include "iddpm/core/error.h"
#include "iddpm/diffusion/settings.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/model/run_folder.h"

namespace iddpm {

namespace fs = std::filesystem;

ModelSource model_source(const fs::path& path) {
  std::error_code error;
  require(fs::exists(path, error), "{} doesn't exist; expected a model file or the folder of a run", path.string());
  return fs::is_directory(path, error) ? ModelSource::folder : ModelSource::model_file;
}

std::string weights_name(std::optional<double> ema_rate) { return ema_rate ? fmt::format("ema {}", *ema_rate) : "raw"; }

Model Model::open(const fs::path& path, const ModelOptions& options) {
  const at::Device device = options.device.value_or(default_device());
  std::vector<std::string> skipped;
  const fs::path file = model_source(path) == ModelSource::folder ? find_checkpoint(path, &skipped) : path;
  const Checkpoint checkpoint(file);
  const std::optional<double> rate = checkpoint.chosen_rate(options.weights);
  UNet network = checkpoint.load_network(options.weights);
  network.to(device);
  Model model(checkpoint.info(), std::move(network), options.precision.value_or(default_precision(device)),
              weights_name(rate));
  model.path_ = file;
  model.checksum_ = checkpoint.checksums().at(checkpoint_format::group_name(rate));
  model.skipped_ = std::move(skipped);
  return model;
}

Model::Model(CheckpointInfo info, UNet network, Precision precision, std::string weights)
    : info_(std::move(info)), network_(std::move(network)), precision_(precision), weights_(std::move(weights)) {
  network_.set_compute_type(scalar_type(precision_));
}

std::vector<std::int64_t> Model::image_shape() const {
  const UNetOptions& options = settings().network;
  return {options.image_channels, options.image_height, options.image_width};
}

Model Model::with(const DiffusionSettings& diffusion) const {
  Model other = *this;
  other.info_.settings.diffusion = diffusion;
  return other;
}

Model Model::enlarging(Tensor low_resolution) const {
  Model other = *this;
  other.low_resolution_ = low_resolution.to(device());
  return other;
}

ReverseProcess Model::reverse_process() const { return iddpm::reverse_process(settings().diffusion); }

Network Model::network_of(const Tensor& y) const {
  Condition condition;
  if (has_classes() && y.defined()) condition.y = y.to(device());
  condition.low_resolution = low_resolution_;
  return conditioned(network_, std::move(condition));
}

Denoiser Model::denoiser_of(const ReverseProcess& process, const Tensor& y) const {
  return process.denoiser(network_of(y));
}

}  // namespace iddpm
