#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// Images to fewer, wider pixels and back, at the two ends of a network: with patches of `size` x `size` pixels, [N, C,
/// H, W] <-> [N, C size^2, H / size, W / size], where channels c size^2 .. (c + 1) size^2 - 1 are those of image
/// channel c. Each is a linear map and the other's inverse and transpose, so that white noise stays white.
class Patches {
 public:
  /// Throws Error unless the size is 1, 2 or 4.
  Patches(std::int64_t size, PatchTransform transform);

  /// H and W must be divisible by the size.
  Tensor split(const Tensor& images) const;
  Tensor join(const Tensor& patches) const;

  /// Type and device of the images to come: others are taken too, at the price of a copy each time.
  void prepare_for(const at::TensorOptions& images);

 private:
  Tensor basis_for(const Tensor& values) const;

  std::int64_t size_;
  Tensor basis_;  // [size^2, size^2]: row k makes channel k of a patch's pixels; undefined: they stay as they are
};

/// The orthonormal Haar wavelets of a patch (Mallat 1989), one in each row over its pixels row by row: the mean times
/// the size first, then the differences of the coarsest halves, down to those of neighbours. [size^2, size^2] float64.
Tensor haar_basis(std::int64_t size);

}  // namespace iddpm
