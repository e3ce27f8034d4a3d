#include "iddpm/evaluation/features/feature_set.h"

#include "iddpm/core/error.h"
#include "iddpm/evaluation/dataset_images.h"

namespace iddpm {

void FeatureCollector::add(const Tensor& images, const std::vector<std::string>& names) {
  const Features batch = network_.features(images);
  const Tensor broken = batch.pooled.isfinite().all(1).logical_not().nonzero().flatten();
  if (broken.numel() > 0) {
    const auto first = broken[0].item<std::int64_t>();
    throw NotFiniteError(fmt::format("the features of {} of {} images are not finite, the first those of {} ({})",
                                     broken.numel(), images.size(0),
                                     names.empty() ? fmt::format("image {}", count() + first)
                                                   : fmt::format("'{}'", names[static_cast<std::size_t>(first)]),
                                     options_.source));
  }
  pooled_.add(batch.pooled);
  if (batch.spatial.defined()) spatial_.add(batch.spatial);
  if (options_.keep_features) {
    features_.push_back(batch.pooled.to(at::kCPU, at::kFloat));
    if (batch.probabilities.defined()) probabilities_.push_back(batch.probabilities.to(at::kCPU, at::kFloat));
  }
  iddpm::add(pixels_, images);
  hash_.add(images);
  image_shape_ = images.sizes().slice(1).vec();
}

FeatureSet FeatureCollector::finish() const {
  FeatureSet set{
      .space = network_.space(),
      .images = {.source = options_.source, .sha256 = hash_.hex(), .count = count(), .image_shape = image_shape_},
      .pixels = pixels_,
      .pooled = pooled_.moments(),
  };
  if (spatial_.count() > 0) set.spatial = spatial_.moments();
  if (!features_.empty()) set.features = at::cat(features_);
  if (!probabilities_.empty()) set.probabilities = at::cat(probabilities_);
  return set;
}

FeatureSet collect_features(const FeatureNetwork& network, const Dataset& dataset, const FeatureSetOptions& options,
                            std::vector<std::string>& skipped, const ProgressCallback& progress) {
  const std::vector<std::int64_t> indices = evenly_spread(dataset.size(), options.count);
  FeatureCollector collector(network, options);
  for_each_batch(dataset, indices, options.batch, skipped, [&](const DatasetImages& images) {
    std::vector<std::string> names;
    for (const std::int64_t index : images.indices) names.push_back(dataset.image_name(index));
    collector.add(images.pixels, names);
    if (progress) progress(collector.count(), static_cast<std::int64_t>(indices.size()));
  });
  return collector.finish();
}

}  // namespace iddpm
