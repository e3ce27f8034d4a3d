#pragma once

#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/core/tensor.h"

namespace iddpm {

/// Training images, moved at random, and how.
struct AugmentedImages {
  Tensor images;  ///< [N, C, H, W], of the images' type and device
  /// [N, augmentation_labels] float32 there, for Condition::augmentation: 1 if mirrored, log2 of the scale, cos - 1 and
  /// sin of the rotation, translation as shares of width and height. Zeros where nothing was done.
  Tensor labels;
};

/// Augmentation that doesn't leak into samples (Karras et al. 2022, arXiv 2206.00364, appendix F): the network is told
/// of it, and is told of none when it draws. One stream per image: half of the images are mirrored, and each is scaled
/// (by 2^(0.2 n), n standard normal), turned (by up to 15 degrees) and shifted (by 0.08 n of its sides, 0.25 at most)
/// with the given probability for each of the three. Beyond its edges an image is mirrored; pixels between pixels are
/// interpolated, and images that are neither scaled, turned nor shifted keep theirs exactly.
AugmentedImages augmented(const Tensor& images, double probability, std::vector<RandomStream> streams);

}  // namespace iddpm
