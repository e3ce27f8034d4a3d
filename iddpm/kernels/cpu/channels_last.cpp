#include "iddpm/kernels/cpu/channels_last.h"

#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {
namespace {

/// Strides of shape [N, C, spatial...] stored as [N, spatial..., C].
std::vector<std::int64_t> channels_last_strides(at::IntArrayRef shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  std::int64_t stride = shape[1];
  for (std::size_t i = shape.size() - 1; i >= 2; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  strides[0] = stride;
  return strides;
}

}  // namespace

bool is_channels_last(const Tensor& x) {
  const auto strides = channels_last_strides(x.sizes());
  for (std::int64_t i = 0; i < x.dim(); ++i) {
    if (x.size(i) != 1 && x.stride(i) != strides[i]) return false;
  }
  return true;
}

Tensor channels_last(const Tensor& x) {
  if (is_channels_last(x)) return x;
  const TimedOperation timed(Operation::layout_conversion);
  return empty_channels_last(x, x.sizes()).copy_(x);
}

Tensor empty_channels_last(const Tensor& x, at::IntArrayRef shape) {
  return at::empty_strided(shape, channels_last_strides(shape), x.options().requires_grad(c10::nullopt));
}

bool is_fast_activation(const Tensor& x) {
  return x.device().is_cpu() && x.layout() == at::kStrided && x.numel() > 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace iddpm::kernels::cpu
