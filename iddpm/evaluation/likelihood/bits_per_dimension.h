#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/diffusion/reverse_process.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/evaluation/protocol.h"
#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// The variational bound of each of N images, in bits per dimension, and what goes with its terms (arXiv 2102.09672 eq.
/// 4 to 7). float64 on the CPU.
struct BoundTerms {
  Tensor prior = {};          ///< [N]: L_T
  Tensor terms = {};          ///< [N, T]: L_t of timestep t, the decoder's L_0 first
  Tensor x_0_error = {};      ///< [N, T]: mean squared error of the predicted x_0
  Tensor epsilon_error = {};  ///< [N, T]: mean squared error of the noise that the predicted x_0 implies

  /// The bound itself, [N].
  Tensor total() const;
  /// Those of images 0 .. N - 1 chosen by their numbers, [M].
  BoundTerms of_images(const Tensor& chosen) const;
};

/// All terms of a batch x_0 [N, C, H, W], by one pass of the denoiser per timestep of q, from T - 1 down to 0: draw 1 +
/// k of `noise` makes x_t of the k-th. Without gradients. `progress` counts timesteps.
BoundTerms bound_terms(const ForwardProcess& q, const Denoiser& denoiser, const Tensor& x_0, const NoiseSource& noise,
                       const ProgressCallback& progress = {});

struct BitsPerDimensionOptions {
  std::int64_t count = 0;  ///< images, evenly spread over the data set; 0: all of them
  std::int64_t batch = 64;
  std::uint64_t seed =
      0;  ///< of the noise; image i of the data set has a stream of its own, whatever the batch and count
  at::Device device = at::kCPU;
};

/// The bound over a data set: means over its images, each taken once.
struct BitsPerDimension {
  std::int64_t images = 0;
  double total = 0.0;
  double standard_error = 0.0;  ///< of the total, as a mean over images; 0 for a single one
  double prior = 0.0;
  std::vector<double> terms = {};                 ///< [T]
  std::vector<double> terms_standard_error = {};  ///< [T]
  std::vector<double> x_0_error = {};             ///< [T]
  std::vector<double> epsilon_error = {};         ///< [T]
  std::vector<double> per_image = {};             ///< [images]: each one's total
  std::vector<std::string> skipped = {};          ///< names of broken images
  std::vector<std::string> not_finite = {};       ///< names of images whose bound isn't, which are left out as well
  ImageSetRecord measured = {};                   ///< the images, for the protocol; the caller names their source
};

/// The network, or the denoiser, that is told what goes with a batch: its classes, say.
using NetworkOfImages = std::function<Network(const DatasetImages& images)>;
using DenoiserOfImages = std::function<Denoiser(const DatasetImages& images)>;

/// The noise with which images of a data set are evaluated: image i of a seed has a stream of its own.
NoiseSource evaluation_noise(std::uint64_t seed, const DatasetImages& images, at::Device device = at::kCPU);

/// Bits per dimension on a data set, by a denoiser for all images or one for each batch. T passes of the denoiser
/// per image: `progress` counts images times timesteps. Throws NotFiniteError if the bound of no image is finite.
BitsPerDimension bits_per_dimension(const ForwardProcess& q, const Denoiser& denoiser, const Dataset& dataset,
                                    const BitsPerDimensionOptions& options = {}, const ProgressCallback& progress = {});
BitsPerDimension bits_per_dimension(const ForwardProcess& q, const DenoiserOfImages& denoiser_of,
                                    const Dataset& dataset, const BitsPerDimensionOptions& options = {},
                                    const ProgressCallback& progress = {});

/// The protocol of such a measurement. `source`: what to call the images.
Protocol likelihood_protocol(const BitsPerDimension& bits, std::string source, ModelRecord model);

}  // namespace iddpm
