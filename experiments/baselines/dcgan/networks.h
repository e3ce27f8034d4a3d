#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "experiments/baselines/dcgan/dcgan.h"
#include "iddpm/core/tensor.h"
#include "iddpm/nn/parameter_store.h"

namespace iddpm::baselines {

/// Throws Error naming the first option out of range.
void check(const DcganOptions& options);

/// Scale and shift of a batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167), [C] each.
struct Normalisation {
  Tensor scale;
  Tensor shift;
};

/// What activations are normalised by, [C] each.
struct ChannelStatistics {
  Tensor mean;
  Tensor variance;
};

/// z -> image.
class Generator {
 public:
  Generator(const DcganOptions& options, const ParameterScope& scope);

  /// z [N, latent] -> [N, C, H, W] in [-1, 1], normalised by the batch's own statistics.
  Tensor operator()(const Tensor& z) const;
  /// The statistics that the layers meet in a batch, and images normalised by given ones.
  std::vector<ChannelStatistics> statistics(const Tensor& z) const;
  Tensor operator()(const Tensor& z, const std::vector<ChannelStatistics>& statistics) const;

 private:
  using Normalise = std::function<Tensor(const Tensor& x, std::size_t layer)>;
  Tensor run(const Tensor& z, const Normalise& normalise) const;

  std::int64_t height_ = 0, width_ = 0;    // where it begins
  Tensor projection_;                      // [height * width * channels, latent]
  std::vector<Normalisation> normalised_;  // after the projection and each convolution but the last
  std::vector<Tensor> convolutions_;       // transposed, each doubles the size
  Tensor bias_;                            // of the image's channels
};

/// Image -> how real it looks, a logit.
class Discriminator {
 public:
  Discriminator(const DcganOptions& options, const ParameterScope& scope);

  /// x [N, C, H, W] -> [N], normalised by the batch's own statistics.
  Tensor operator()(const Tensor& x) const;

 private:
  std::vector<Tensor> convolutions_;       // each halves the size
  Tensor first_bias_;                      // the first one's, which isn't normalised
  std::vector<Normalisation> normalised_;  // after the others
  Tensor head_, head_bias_;                // [1, channels, height, width], [1]
};

}  // namespace iddpm::baselines
