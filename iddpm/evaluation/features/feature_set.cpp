#include "iddpm/evaluation/features/feature_set.h"

#include "iddpm/core/error.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/io/file_hash.h"

namespace iddpm {

FeatureSet collect_features(const FeatureNetwork& network, const Dataset& dataset, const FeatureSetOptions& options,
                            std::vector<std::string>& skipped, const ProgressCallback& progress) {
  const std::vector<std::int64_t> indices = evenly_spread(dataset.size(), options.count);
  FeatureStatistics pooled, spatial;
  std::vector<Tensor> features, probabilities;
  PixelStatistics pixels;
  Sha256 hash;
  std::int64_t done = 0;
  for_each_batch(dataset, indices, options.batch, skipped, [&](const DatasetImages& images) {
    const Features batch = network.features(images.pixels);
    pooled.add(batch.pooled);
    if (batch.spatial.defined()) spatial.add(batch.spatial);
    if (options.keep_features) {
      features.push_back(batch.pooled.to(at::kCPU, at::kFloat));
      if (batch.probabilities.defined()) probabilities.push_back(batch.probabilities.to(at::kCPU, at::kFloat));
    }
    add(pixels, images.pixels);
    hash.add(images.pixels);
    done += images.pixels.size(0);
    if (progress) progress(done, static_cast<std::int64_t>(indices.size()));
  });
  FeatureSet set{
      .space = network.space(),
      .images = {.source = options.source, .sha256 = hash.hex(), .count = done, .image_shape = dataset.image_shape()},
      .pixels = pixels,
      .pooled = pooled.moments(),
  };
  if (spatial.count() > 0) set.spatial = spatial.moments();
  if (!features.empty()) set.features = at::cat(features);
  if (!probabilities.empty()) set.probabilities = at::cat(probabilities);
  return set;
}

}  // namespace iddpm
