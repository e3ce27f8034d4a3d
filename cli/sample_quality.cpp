#include "cli/sample_quality.h"

#include "cli/options/evaluation_input.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/feature_network_file.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/evaluation/metrics/sample_metrics.h"

namespace iddpm::cli {
namespace {

void advance(ProgressBar& bar, const std::atomic<bool>& stop, std::int64_t done, std::int64_t total) {
  if (stop) throw ExitWith{exit_interrupted};
  bar.update(static_cast<double>(done) / static_cast<double>(total));
}

void check_statistics(const FeatureSet& set, const ReferenceOptions& options,
                      const std::vector<std::int64_t>& image_shape, const FeatureSpace& space,
                      const std::filesystem::path& features) {
  const std::string file = options.path.string();
  require(set.space.sha256 == space.sha256 && set.space.dimensions == space.dimensions,
          "the reference '{}' was made with the features of {} (SHA-256 {}), but --features '{}' are those of {} "
          "(SHA-256 {})",
          file, set.space.network, set.space.sha256, features.string(), space.network, space.sha256);
  require(set.images.image_shape == image_shape,
          "the reference '{}' was made of images {}, but those to be judged are {} (channels, height, width)", file,
          format_shape(set.images.image_shape), format_shape(image_shape));
  require(options.split.empty(), "--reference-split {}: '{}' holds statistics, which have no splits", options.split,
          file);
  require(options.count == 0 || options.count == set.images.count,
          "--reference-count {}: '{}' holds statistics of {} images, which can't be taken apart", options.count, file,
          set.images.count);
}

}  // namespace

std::unique_ptr<FeatureNetwork> open_feature_network(const std::filesystem::path& path, at::Device device,
                                                     const std::vector<std::int64_t>& image_shape) {
  auto network = load_feature_network(path, device);
  try {
    network->features(at::zeros({1, image_shape[0], image_shape[1], image_shape[2]}, at::kByte));
  } catch (const Error& error) {
    fail("--features '{}' can't judge these images: {}", path.string(), error.what());
  }
  return network;
}

Reference open_reference(const ReferenceOptions& options, const std::vector<std::int64_t>& image_shape,
                         const FeatureSpace& space, const std::filesystem::path& features) {
  Reference reference{.statistics = {}, .images = {}, .options = options};
  if (looks_like_safetensors(options.path)) {
    reference.statistics = load_reference_statistics(options.path);
    check_statistics(*reference.statistics, options, image_shape, space, features);
    return reference;
  }
  DatasetOptions how{.labels = LabelSource::none};
  how.image_channels = image_shape[0];
  how.image_height = image_shape[1];
  how.image_width = image_shape[2];
  how.background = options.background;
  if (!options.split.empty()) how.split = options.split;
  reference.images = open_dataset(options.path, how);
  return reference;
}

FeatureSet image_features(const FeatureNetwork& network, const Dataset& images, const FeatureSetOptions& options) {
  const std::atomic<bool>& stop = catch_interruption();
  std::vector<std::string> skipped;
  FeatureSet set;
  {
    ProgressBar bar(fmt::format("Features of {}", options.source));
    set = collect_features(network, images, options, skipped,
                           [&](std::int64_t done, std::int64_t total) { advance(bar, stop, done, total); });
  }
  for (const std::string& name : skipped) say(fmt::format("Skipped a broken image: {}", name));
  return set;
}

FeatureSet reference_features(const FeatureNetwork& network, const Reference& reference, std::int64_t batch) {
  if (reference.statistics) return *reference.statistics;
  const ReferenceOptions& options = reference.options;
  std::string source = options.path.string();
  if (!options.split.empty()) source += fmt::format(" ({})", options.split);
  return image_features(network, *reference.images, {.count = options.count, .batch = batch, .source = source});
}

SampleQuality compare_with_reference(const FeatureSet& reference, const FeatureSet& samples,
                                     const std::vector<std::int64_t>& neighbours, std::optional<ModelRecord> model,
                                     const PixelStatistics& training_pixels) {
  const std::atomic<bool>& stop = catch_interruption();
  std::string current;
  std::unique_ptr<ProgressBar> bar;
  const auto show = [&](std::string_view stage, std::int64_t done, std::int64_t total) {
    if (current != stage) {
      current = stage;
      bar.reset();  // clears its line before the next one draws
      bar = std::make_unique<ProgressBar>("Measuring " + current);
    }
    advance(*bar, stop, done, total);
  };
  const SampleMetrics metrics = evaluate_samples(reference, samples, {.neighbours = neighbours, .progress = show});
  bar.reset();
  const PixelRecord pixels = reference.pixels.empty()
                                 ? pixel_record(samples.pixels, training_pixels, "training images")
                                 : pixel_record(samples.pixels, reference.pixels, "reference images");
  SampleQuality quality{
      .result = {.protocol = sample_protocol(reference, samples, metrics, std::move(model)), .figures = metrics},
      .table = format_table(metrics, samples.space) + pixel_table(pixels) + "\n"};
  quality.result.figures[pixels_key] = pixels;
  return quality;
}

}  // namespace iddpm::cli
