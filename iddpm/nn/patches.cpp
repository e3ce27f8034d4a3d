#include "iddpm/nn/patches.h"

#include "iddpm/core/error.h"

namespace iddpm {

Tensor haar_basis(std::int64_t size) {
  const auto options = at::TensorOptions(at::kDouble);
  if (size == 1) return at::ones({1, 1}, options);
  const std::int64_t half = size / 2;
  // The coarse image's wavelets, each of its pixels spread over 2 x 2.
  const Tensor coarse = haar_basis(half).view({half * half, half, 1, half, 1}).expand({-1, -1, 2, -1, 2}) / 2;
  std::vector<Tensor> rows = {coarse.reshape({half * half, size * size})};
  const Tensor patterns = at::tensor({0.5, -0.5, 0.5, -0.5,   // left minus right
                                      0.5, 0.5, -0.5, -0.5,   // top minus bottom
                                      0.5, -0.5, -0.5, 0.5},  // diagonals
                                     options)
                              .view({3, 2, 2});
  for (std::int64_t k = 0; k < patterns.size(0); ++k) {
    const Tensor fine = at::zeros({half, half, half, 2, half, 2}, options);
    for (std::int64_t i = 0; i < half; ++i) {
      for (std::int64_t j = 0; j < half; ++j)
        fine.select(0, i).select(0, j).select(0, i).select(1, j).copy_(patterns[k]);
    }
    rows.push_back(fine.view({half * half, size * size}));
  }
  return at::cat(rows);
}

Patches::Patches(std::int64_t size, PatchTransform transform) : size_(size) {
  require(size == 1 || size == 2 || size == 4, "Network option patch_size is {}; expected 1, 2 or 4.", size);
  if (size > 1 && transform == PatchTransform::haar) basis_ = haar_basis(size);
}

void Patches::prepare_for(const at::TensorOptions& images) {
  if (basis_.defined()) basis_ = haar_basis(size_).to(images);
}

Tensor Patches::basis_for(const Tensor& values) const { return basis_.to(values.options()); }

Tensor Patches::split(const Tensor& images) const {
  if (size_ == 1) return images;
  const Tensor pixels = at::pixel_unshuffle(images, size_);
  if (!basis_.defined()) return pixels;
  return at::matmul(basis_for(pixels), pixels.reshape({-1, size_ * size_, pixels.size(2) * pixels.size(3)}))
      .view(pixels.sizes());
}

Tensor Patches::join(const Tensor& patches) const {
  if (size_ == 1) return patches;
  if (!basis_.defined()) return at::pixel_shuffle(patches, size_);
  const Tensor pixels =
      at::matmul(basis_for(patches).t(), patches.reshape({-1, size_ * size_, patches.size(2) * patches.size(3)}))
          .view(patches.sizes());
  return at::pixel_shuffle(pixels, size_);
}

}  // namespace iddpm
