#include "cli/drawn_samples.h"

#include <algorithm>

#include "cli/image_sampling.h"
#include "cli/options/respacing_option.h"
#include "cli/options/start_option.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

constexpr std::int64_t images_at_once = 4096;  // held as float32 before they become bytes

std::vector<std::int64_t> labels_in_turn(std::int64_t first, std::int64_t count, std::int64_t classes) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = first; classes > 0 && i < first + count; ++i) labels.push_back(i % classes);
  return labels;
}

std::string sampler_name(const DrawRequest& request) {
  std::string name = describe_sampler(request.sampler, request.sampler_options);
  if (request.start != "noise") name += fmt::format(", start {}", request.start);
  const std::string note = respacing_note(request.steps);
  return note.empty() ? name : name + ", " + note;
}

}  // namespace

std::string respacing_note(const std::string& specification) {
  const bool told =
      std::all_of(specification.begin(), specification.end(), [](char c) { return c >= '0' && c <= '9'; });
  return told ? std::string() : "respacing " + specification;
}

ModelRecord model_record(const std::filesystem::path& checkpoint, const std::string& weights, std::uint64_t seed) {
  return {.checkpoint = checkpoint.string(),
          .checkpoint_sha256 = sha256_of_file(checkpoint),
          .weights = weights,
          .seed = seed};
}

DrawnSamples draw_samples(const DrawRequest& request) {
  const std::filesystem::path path = find_checkpoint(request.model);
  const Checkpoint checkpoint(path);
  const ModelSettings& settings = checkpoint.info().settings;
  require(!settings.network.super_resolution,
          "'{}' enlarges images; sampling it needs images to enlarge, which this version doesn't take", path.string());
  const WeightChoice choice = weight_choice(request.weights);
  ModelRecord record = model_record(path, weights_name(checkpoint, choice), request.seed);
  record.original_steps = settings.diffusion.steps;
  SamplingRequest part{
      .image_numbers = {},
      .labels = {},
      .seed = request.seed,
      .steps = request.steps,
      .timesteps = chosen_timesteps(record.original_steps, request.steps, path, record.weights),
      .sampler = request.sampler,
      .sampler_options = request.sampler_options,
      .start = chosen_start(request.start, checkpoint),
      .batch = request.batch,
  };
  record.sampler = sampler_name(request);
  record.steps = static_cast<std::int64_t>(part.timesteps.size());
  UNet network = checkpoint.load_network(choice);
  network.to(chosen_device(request.compute));
  network.set_compute_type(scalar_type(chosen_precision(request.compute)));

  const std::atomic<bool>& stop = catch_interruption();
  const std::int64_t at_once = std::max(request.batch, images_at_once / request.batch * request.batch);
  std::vector<Tensor> images;
  ProgressBar bar("Sampling");
  for (std::int64_t first = 0; first < request.count; first += at_once) {
    const std::int64_t size = std::min(at_once, request.count - first);
    part.image_numbers = image_numbers(static_cast<std::uint64_t>(first), size);
    part.labels = labels_in_turn(first, size, settings.network.classes);
    const Tensor drawn = sample_images(network, settings, part, [&](double fraction) {
      const double done = static_cast<double>(first) + fraction * static_cast<double>(size);
      bar.update(done / static_cast<double>(request.count));
      return !stop;
    });
    if (stop) throw ExitWith{exit_interrupted};
    images.push_back(to_pixels(drawn));
  }
  const ImagesInMemory samples{.images = at::cat(images),
                               .labels = {},
                               .class_names = {},
                               .source = fmt::format("samples of {}", path.string())};
  return {.images = in_memory_dataset(samples), .model = record, .training_pixels = checkpoint.info().data_pixels};
}

}  // namespace iddpm::cli
