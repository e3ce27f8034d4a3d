#pragma once

#include "iddpm/core/random_stream.h"
#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/features/feature_network.h"
#include "iddpm/evaluation/features/feature_set.h"

namespace iddpm {

/// A feature network as small as can be: fixed random projections of the pixels.
class PixelFeatures : public FeatureNetwork {
 public:
  explicit PixelFeatures(std::uint64_t seed = 1, std::int64_t pixels = 16) : seed_(seed) {
    std::vector<RandomStream> stream = {{seed, StreamPurpose::evaluation}};
    projection_ = normal_per_image(stream, {pixels, 8})[0];
  }
  Features features(const Tensor& images) const override {
    const Tensor pixels = images.to(at::kFloat).flatten(1) / 255.0;
    const Tensor pooled = pixels.mm(projection_);
    return {.pooled = pooled, .spatial = pixels, .probabilities = pooled.softmax(1)};
  }
  FeatureSpace space() const override {
    return {.network = "pixels", .sha256 = std::to_string(seed_), .dimensions = 8, .is_fid = false};
  }

 private:
  std::uint64_t seed_;
  Tensor projection_;
};

/// Random grey images 4 x 4, the brighter the higher `level` (0 .. 255).
inline std::shared_ptr<const Dataset> random_dataset(std::int64_t count, std::uint64_t seed, std::int64_t level = 128) {
  auto generator = at::detail::createCPUGenerator(seed);
  const Tensor pixels =
      at::randint(level / 2, level / 2 + 128, {count, 1, 4, 4}, generator, at::TensorOptions(at::kByte));
  return in_memory_dataset({.images = pixels, .labels = {}, .class_names = {}, .source = "random"});
}

/// Its features, nothing skipped.
inline FeatureSet pixel_feature_set(const Dataset& dataset, const FeatureSetOptions& options = {},
                                    const PixelFeatures& network = PixelFeatures()) {
  std::vector<std::string> skipped;
  return collect_features(network, dataset, options, skipped);
}

}  // namespace iddpm
