#pragma once

#include <cstdint>
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

/// Smaller images as a network is shown them: with the noise that it was trained with, image i's from streams[i], so
/// that it forgives the faults of smaller images that were drawn (Gaussian conditioning augmentation, Ho et al. 2021,
/// section 4). On the images' device.
Tensor with_low_resolution_noise(const Tensor& low_resolution, const UNetOptions& network,
                                 std::vector<RandomStream> streams);

}  // namespace iddpm
