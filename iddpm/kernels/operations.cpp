#include "iddpm/kernels/operations.h"

#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/attention.h"
#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/convolution.h"
#include "iddpm/kernels/cpu/group_norm.h"
#include "iddpm/kernels/cpu/linear.h"
#include "iddpm/kernels/cpu/rearrange.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operation_timer.h"
#include "iddpm/kernels/reference.h"

// Checks, then dispatch. The implementations themselves check nothing. Where shapes enter a check's sentence, it is
// made only when the check fails: at batch 1, making the sentences showed in profiles.
namespace iddpm::kernels {
namespace {

void require_floating(const char* operation, const Tensor& x) {
  require(x.defined() && at::isFloatingType(x.scalar_type()), "{}: x must be a tensor of floating-point numbers.",
          operation);
}

void require_rank(const char* operation, const Tensor& x, std::int64_t rank) {
  require_floating(operation, x);
  if (x.dim() != rank) fail("{}: x has shape {}; expected {} dimensions.", operation, format_shape(x.sizes()), rank);
}

void require_shape(const char* operation, const char* name, const Tensor& value, at::IntArrayRef expected) {
  if (value.defined() && value.sizes() == expected) return;
  require(value.defined(), "{}: {} is undefined; expected shape {}.", operation, name, format_shape(expected));
  fail("{}: {} has shape {}; expected {}.", operation, name, format_shape(value.sizes()), format_shape(expected));
}

void require_convolution(const char* operation, const Tensor& x, const Tensor& weight, const Tensor& bias,
                         ConvolutionOptions options) {
  require_rank(operation, x, 4);
  require(weight.defined() && weight.dim() == 4, "{}: the weight must be [K, C, R, S].", operation);
  if (weight.size(1) != x.size(1)) {
    fail("{}: x has {} channels but the weight {} expects {}.", operation, x.size(1), format_shape(weight.sizes()),
         weight.size(1));
  }
  require(options.stride > 0 && options.padding >= 0, "{}: stride {} and padding {}; expected at least 1 and 0.",
          operation, options.stride, options.padding);
  for (int i : {2, 3}) {
    if (x.size(i) + 2 * options.padding < weight.size(i)) {
      fail("{}: x {} is smaller than the weight {} at padding {}.", operation, format_shape(x.sizes()),
           format_shape(weight.sizes()), options.padding);
    }
  }
  if (bias.defined()) require_shape(operation, "bias", bias, {weight.size(0)});
}

void require_group_norm(const char* operation, const Tensor& x, std::int64_t groups, const Tensor& weight,
                        const Tensor& bias) {
  require_floating(operation, x);
  if (x.dim() < 2) fail("{}: x has shape {}; expected [N, C, ...].", operation, format_shape(x.sizes()));
  require(groups > 0 && x.size(1) % groups == 0, "{}: {} channels don't divide into {} groups.", operation, x.size(1),
          groups);
  require_shape(operation, "weight", weight, {x.size(1)});
  require_shape(operation, "bias", bias, {x.size(1)});
}

void require_dropout(const char* operation, const Tensor& x, const DropoutOptions& dropout) {
  require(dropout.probability >= 0 && dropout.probability < 1, "{}: dropout probability {}; expected 0 <= p < 1.",
          operation, dropout.probability);
  if (dropout.probability == 0) return;
  require_shape(operation, "dropout.keys", dropout.keys, {x.size(0)});
  require(dropout.keys.scalar_type() == at::kLong, "{}: dropout.keys must be int64.", operation);
}

/// Do the fast CPU implementations take this activation, and are they wanted?
bool is_fast(const Tensor& x) {
  return kernel_options().path == KernelOptions::Path::automatic && cpu::is_fast_activation(x);
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvolutionOptions options) {
  require_convolution("convolution", x, weight, bias, options);
  if (is_fast(x)) return cpu::convolution(x, weight, bias, {}, options);
  return reference::convolution(x, weight, bias, options);
}

Tensor convolution_add(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                       ConvolutionOptions options) {
  require_convolution("convolution_add", x, weight, bias, options);
  const auto extent = [&](int i) { return (x.size(i) + 2 * options.padding - weight.size(i)) / options.stride + 1; };
  require_shape("convolution_add", "residual", residual, {x.size(0), weight.size(0), extent(2), extent(3)});
  if (is_fast(x)) return cpu::convolution(x, weight, bias, residual, options);
  return reference::convolution_add(x, weight, bias, residual, options);
}

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double epsilon) {
  require_group_norm("group_norm", x, groups, weight, bias);
  if (is_fast(x)) {
    const TimedOperation timed(Operation::group_norm);
    return cpu::group_norm(x, groups, weight, bias, {}, /*silu=*/false, {}, epsilon);
  }
  return reference::group_norm(x, groups, weight, bias, epsilon);
}

Tensor group_norm_silu(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                       const ScaleShift& scale_shift, const DropoutOptions& dropout, double epsilon) {
  require_group_norm("group_norm_silu", x, groups, weight, bias);
  require_dropout("group_norm_silu", x, dropout);
  require(scale_shift.scale.defined() == scale_shift.shift.defined(),
          "group_norm_silu: scale and shift must both be given or both be undefined.");
  if (scale_shift.scale.defined()) {
    require_shape("group_norm_silu", "scale", scale_shift.scale, {x.size(0), x.size(1)});
    require_shape("group_norm_silu", "shift", scale_shift.shift, {x.size(0), x.size(1)});
  }
  if (is_fast(x)) {
    const TimedOperation timed(Operation::group_norm);
    return cpu::group_norm(x, groups, weight, bias, scale_shift, /*silu=*/true, dropout, epsilon);
  }
  return reference::group_norm_silu(x, groups, weight, bias, scale_shift, dropout, epsilon);
}

Tensor dropout_words(const Tensor& keys, std::int64_t layers) {
  require(keys.defined() && keys.dim() == 1 && keys.scalar_type() == at::kLong && layers > 0,
          "dropout_words: expected keys [N] int64 and at least one layer.");
  if (keys.device().is_cpu() && kernel_options().path == KernelOptions::Path::automatic) return {};
  return reference::dropout_words(keys, 0, layers);
}

Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order) {
  require_rank("attention", qkv, 3);
  require(heads > 0 && qkv.size(1) % (3 * heads) == 0,
          "attention: qkv has {} channels; expected a multiple of 3 * {} heads.", qkv.size(1), heads);
  if (is_fast(qkv)) {
    const TimedOperation timed(Operation::attention);
    return cpu::attention(qkv, heads, order);
  }
  return reference::attention(qkv, heads, order);
}

Tensor silu(const Tensor& x) {
  require_floating("silu", x);
  if (is_fast(x)) {
    const TimedOperation timed(Operation::silu);
    return cpu::silu(x);
  }
  return reference::silu(x);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require_floating("linear", x);
  require(x.dim() >= 1 && weight.defined() && weight.dim() == 2 && x.size(-1) == weight.size(1),
          "linear: x has shape {} and the weight {}; expected x [..., in] and weight [out, in].",
          format_shape(x.sizes()), weight.defined() ? format_shape(weight.sizes()) : "none");
  if (bias.defined()) require_shape("linear", "bias", bias, {weight.size(0)});
  if (is_fast(x) && cpu::is_fast_linear(x, weight, bias)) {
    const TimedOperation timed(Operation::linear);
    return cpu::linear(x, weight, bias);
  }
  return reference::linear(x, weight, bias);
}

Tensor upsample_nearest(const Tensor& x) {
  require_rank("upsample_nearest", x, 4);
  if (is_fast(x)) {
    const TimedOperation timed(Operation::resampling);
    return cpu::upsample_nearest(x);
  }
  return reference::upsample_nearest(x);
}

Tensor average_pool(const Tensor& x) {
  require_rank("average_pool", x, 4);
  require(x.size(2) >= 2 && x.size(3) >= 2, "average_pool: x has shape {}; expected height and width of at least 2.",
          format_shape(x.sizes()));
  if (is_fast(x)) {
    const TimedOperation timed(Operation::resampling);
    return cpu::average_pool(x);
  }
  return reference::average_pool(x);
}

Tensor concatenate_channels(const Tensor& a, const Tensor& b) {
  require_rank("concatenate_channels", a, 4);
  require_rank("concatenate_channels", b, 4);
  require(
      a.size(0) == b.size(0) && a.size(2) == b.size(2) && a.size(3) == b.size(3) && a.scalar_type() == b.scalar_type(),
      "concatenate_channels: shapes {} and {} differ in more than channels, or the types differ.",
      format_shape(a.sizes()), format_shape(b.sizes()));
  if (is_fast(a) && is_fast(b)) {
    const TimedOperation timed(Operation::concatenation);
    return cpu::concatenate_channels(a, b);
  }
  return reference::concatenate_channels(a, b);
}

}  // namespace iddpm::kernels
