#include "cli/likelihood.h"

#include <chrono>

#include "cli/options/respacing_option.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {

std::shared_ptr<const Dataset> open_fitting_dataset(const CheckpointInfo& info, const DataOptions& data) {
  DatasetOptions options = dataset_options(data);
  const UNetOptions& network = info.settings.network;
  options.image_height = network.image_height;
  options.image_width = network.image_width;
  options.image_channels = network.image_channels;
  if (network.classes > 0) options.class_names = info.settings.class_names;
  auto dataset = open_dataset(data.path, options);
  if (network.classes > 0) {
    require(static_cast<std::int64_t>(dataset->class_names().size()) == network.classes,
            "'{}' has {} classes; the model expects {}", data.path.string(), dataset->class_names().size(),
            network.classes);
    require(info.settings.class_names.empty() || dataset->class_names() == info.settings.class_names,
            "the classes of '{}' ({}) are not the model's ({})", data.path.string(),
            fmt::join(dataset->class_names(), ", "), fmt::join(info.settings.class_names, ", "));
  }
  return dataset;
}

Likelihood measure_likelihood(const LikelihoodRequest& request) {
  apply_threads(request.compute);
  Likelihood result;
  result.checkpoint = find_checkpoint(request.model);
  const Checkpoint checkpoint(result.checkpoint);
  result.info = checkpoint.info();
  const WeightChoice choice = weight_choice(request.weights);
  result.weights = weights_name(checkpoint, choice);
  const std::vector<std::int64_t> timesteps =
      chosen_timesteps(result.info.settings.diffusion.steps, request.steps, result.checkpoint, result.weights);
  const auto dataset = open_fitting_dataset(result.info, request.data);
  UNet network = checkpoint.load_network(choice);
  const at::Device device = chosen_device(request.compute);
  network.to(device);
  network.set_compute_type(scalar_type(chosen_precision(request.compute)));

  const ReverseProcess process = reverse_process(result.info.settings.diffusion).respaced(timesteps);
  result.steps = process.steps();
  const bool conditional = result.info.settings.network.classes > 0;
  const DenoiserOfClasses denoiser_of = [&](const Tensor& y) {
    return process.denoiser(
        conditioned(network, {.y = conditional ? y.to(device) : Tensor(), .low_resolution = {}, .dropout_keys = {}}));
  };
  const auto start = std::chrono::steady_clock::now();
  {
    ProgressBar bar("Measuring likelihood");
    result.bits = bits_per_dimension(
        process.q(), denoiser_of, *dataset,
        {.count = request.count, .batch = request.batch, .seed = request.seed, .device = device},
        [&](std::int64_t done, std::int64_t all) { bar.update(static_cast<double>(done) / static_cast<double>(all)); });
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const std::string& name : result.bits.skipped) say(fmt::format("Skipped a broken image: {}", name));
  return result;
}

}  // namespace iddpm::cli
