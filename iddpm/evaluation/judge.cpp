#include "iddpm/evaluation/judge.h"

#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/feature_network_file.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/io/pixels.h"
#include "iddpm/io/safetensors_header.h"

namespace iddpm {
namespace {

void check_statistics(const FeatureSet& set, const ReferenceOptions& options,
                      const std::vector<std::int64_t>& image_shape, const FeatureSpace& space,
                      const std::filesystem::path& features) {
  const std::string file = options.path.string();
  require(set.space.sha256 == space.sha256 && set.space.dimensions == space.dimensions,
          "the reference '{}' was made with the features of {} (SHA-256 {}), but those of '{}' are of {} (SHA-256 {})",
          file, set.space.network, set.space.sha256, features.string(), space.network, space.sha256);
  require(set.images.image_shape == image_shape,
          "the reference '{}' was made of images {}, but those to be judged are {} (channels, height, width)", file,
          format_shape(set.images.image_shape), format_shape(image_shape));
  require(options.split.empty(), "the reference '{}' holds statistics, which have no splits: '{}' was asked for", file,
          options.split);
  require(options.count == 0 || options.count == set.images.count,
          "the reference '{}' holds statistics of {} images, which can't be taken apart: {} were asked for", file,
          set.images.count, options.count);
}

}  // namespace

std::unique_ptr<FeatureNetwork> open_feature_network(const std::filesystem::path& path, at::Device device,
                                                     const std::vector<std::int64_t>& image_shape) {
  auto network = load_feature_network(path, device);
  try {
    network->features(at::zeros({1, image_shape[0], image_shape[1], image_shape[2]}, at::kByte));
  } catch (const Error& error) {
    fail(error.kind(), "the feature network '{}' can't judge these images: {}", path.string(), error.what());
  }
  return network;
}

std::string Reference::source() const {
  return options.split.empty() ? options.path.string() : fmt::format("{} ({})", options.path.string(), options.split);
}

Reference open_reference(const ReferenceOptions& options, const std::vector<std::int64_t>& image_shape,
                         const FeatureSpace& space, const std::filesystem::path& features) {
  Reference reference{.options = options};
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

FeatureSet reference_features(const FeatureNetwork& network, const Reference& reference, std::int64_t batch,
                              std::vector<std::string>& skipped, const ProgressCallback& progress) {
  if (reference.statistics) return *reference.statistics;
  return collect_features(network, *reference.images,
                          {.count = reference.options.count, .batch = batch, .source = reference.source()}, skipped,
                          progress);
}

FeatureSet sample_features(const FeatureNetwork& network, const Model& model, const DrawRequest& request,
                           const std::string& source, const ProgressCallback& progress) {
  FeatureCollector collector(network, {.source = source});
  draw(
      model, request, [&](const DrawnBatch& batch) { collector.add(to_pixels(batch.images)); }, progress);
  return collector.finish();
}

SampleQuality compare_with_reference(const FeatureSet& reference, const FeatureSet& samples,
                                     const std::vector<std::int64_t>& neighbours, std::optional<ModelRecord> model,
                                     const PixelStatistics& training_pixels, const StageProgress& progress) {
  SampleQuality quality;
  quality.metrics = evaluate_samples(reference, samples, {.neighbours = neighbours, .progress = progress});
  quality.pixels = reference.pixels.empty() ? pixel_record(samples.pixels, training_pixels, "training images")
                                            : pixel_record(samples.pixels, reference.pixels, "reference images");
  quality.result = {.protocol = sample_protocol(reference, samples, quality.metrics, std::move(model)),
                    .figures = quality.metrics};
  quality.result.figures[pixels_key] = quality.pixels;
  return quality;
}

}  // namespace iddpm
