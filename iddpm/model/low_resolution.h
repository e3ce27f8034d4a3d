#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/core/tensor.h"
#include "iddpm/nn/unet_options.h"

/// The smaller images that a network of super-resolution enlarges (Nichol & Dhariwal 2021, appendix C; Ho et al. 2021,
/// arXiv 2106.15282).
namespace iddpm {

/// [C, h, w] of them. Throws Error if the network doesn't enlarge images, or, being converted, doesn't say from which
/// size.
std::vector<std::int64_t> low_resolution_shape(const UNetOptions& network);

/// Images [N, C, H, W] made so small, by the means of areas.
Tensor low_resolution_of(const Tensor& images, const UNetOptions& network);

/// Smaller images as a network is shown them, on their device.
struct ShownLowResolution {
  Tensor images = {};  ///< [N, C, h, w] with noise
  Tensor noise = {};   ///< [N] float32: its standard deviation; undefined where the network isn't told
};

/// As in training: with the network's noise or, where that varies, as much as is drawn for each image, so that the
/// network forgives the faults of smaller images that were drawn (Gaussian conditioning augmentation, Ho et al. 2021,
/// section 4). Image i's numbers come from streams[i].
ShownLowResolution shown_in_training(const Tensor& low_resolution, const UNetOptions& network,
                                     std::vector<RandomStream> streams);

/// With noise of the standard deviation `noise`.
ShownLowResolution shown_with_noise(const Tensor& low_resolution, const UNetOptions& network, double noise,
                                    std::vector<RandomStream> streams);

/// The standard deviation of the noise where so much is asked for: by default the network's own, and none where it can
/// be chosen. Throws Error if it is asked for where it can't be chosen, or more than the network has been trained with.
double low_resolution_noise(const UNetOptions& network, std::optional<double> asked = {});

}  // namespace iddpm
