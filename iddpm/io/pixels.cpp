#include "iddpm/io/pixels.h"

#include "iddpm/core/error.h"

namespace iddpm {

Tensor to_pixels(const Tensor& images) {
  const Tensor scaled = (images.detach().to(at::kCPU, at::kFloat) + 1.0) * 127.5;
  const auto not_finite = scaled.numel() - at::isfinite(scaled).sum().item<std::int64_t>();
  if (not_finite > 0) {
    throw NotFiniteError(fmt::format("{} of {} values of the images aren't finite; there are no pixels for them",
                                     not_finite, scaled.numel()));
  }
  return scaled.round().clamp(0.0, 255.0).to(at::kByte);
}

Tensor from_pixels(const Tensor& pixels) { return pixels.to(at::kFloat) / 127.5 - 1.0; }

}  // namespace iddpm
