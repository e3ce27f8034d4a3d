#include "iddpm/kernels/reference.h"

#include <cmath>

#include "iddpm/kernels/dropout_hash.h"

namespace iddpm::kernels::reference {
namespace {

/// The type that statistics and sums are computed in.
at::ScalarType accumulation_type(const Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

Tensor converted(const Tensor& x, at::ScalarType type) { return x.defined() ? x.to(type) : x; }

/// [N, C] as [N, C, 1, ...] beside x.
Tensor per_channel(const Tensor& values, const Tensor& x) {
  std::vector<std::int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  shape[1] = x.size(1);
  return values.to(accumulation_type(x)).reshape(shape);
}

/// mix() of dropout_hash.h on int64 tensors that hold 32-bit numbers.
Tensor mix(const Tensor& x) {
  constexpr std::int64_t low_bits = 0xffffffff;
  Tensor y =
      x.bitwise_xor(x.bitwise_right_shift(16)).mul(static_cast<std::int64_t>(mix_factor_1)).bitwise_and(low_bits);
  y = y.bitwise_xor(y.bitwise_right_shift(15)).mul(static_cast<std::int64_t>(mix_factor_2)).bitwise_and(low_bits);
  return y.bitwise_xor(y.bitwise_right_shift(15));
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvolutionOptions options) {
  const auto type = x.scalar_type();
  return at::conv2d(x, weight.to(type), converted(bias, type), options.stride, options.padding);
}

Tensor convolution_add(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                       ConvolutionOptions options) {
  return reference::convolution(x, weight, bias, options) + residual;
}

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double epsilon) {
  const auto type = accumulation_type(x);
  return at::group_norm(x.to(type), groups, weight.to(type), bias.to(type), epsilon).to(x.scalar_type());
}

Tensor dropout_words(const Tensor& keys, std::int64_t first, std::int64_t count) {
  constexpr std::int64_t low_bits = 0xffffffff;
  const Tensor layers = at::arange(first, first + count, keys.options()).view({-1, 1});
  const Tensor base = mix(layers.bitwise_xor(std::int64_t{0x9e3779b9}));
  const Tensor first_word = mix(keys.bitwise_and(low_bits).bitwise_xor(base));
  const Tensor high = keys.bitwise_right_shift(32).bitwise_and(low_bits);
  return at::stack({first_word, mix(high.bitwise_xor(mix(first_word)))}, 1);
}

Tensor dropout_mask(const Tensor& x, const DropoutOptions& dropout) {
  const Tensor words = dropout.words.defined()
                           ? dropout.words
                           : reference::dropout_words(dropout.keys.to(x.device()), dropout.layer, 1)[0];
  const Tensor index = at::arange(x[0].numel(), words.options()).view({1, -1});
  const Tensor bits = mix(mix(index.bitwise_xor(words[0].unsqueeze(1))).bitwise_xor(words[1].unsqueeze(1)));
  return bits.ge(static_cast<std::int64_t>(dropout_threshold(dropout.probability))).view(x.sizes());
}

Tensor group_norm_silu(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                       const ScaleShift& scale_shift, const DropoutOptions& dropout, double epsilon) {
  const auto type = accumulation_type(x);
  Tensor y = reference::group_norm(x.to(type), groups, weight, bias, epsilon);
  if (scale_shift.scale.defined())
    y = y * (1.0 + per_channel(scale_shift.scale, x)) + per_channel(scale_shift.shift, x);
  y = reference::silu(y);
  if (dropout.probability > 0) {
    const Tensor kept = at::full({}, 1.0 / (1.0 - dropout.probability), y.options());
    y = y * at::where(dropout_mask(x, dropout), kept, at::zeros_like(kept));
  }
  return y.to(x.scalar_type());
}

Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order) {
  const std::int64_t images = qkv.size(0), length = qkv.size(2), width = qkv.size(1) / (3 * heads);
  const Tensor wide = qkv.to(accumulation_type(qkv));
  // Both orders as [3, N, heads, width, T].
  const Tensor parts = order == QkvOrder::heads_first
                           ? wide.reshape({images, heads, 3, width, length}).permute({2, 0, 1, 3, 4})
                           : wide.reshape({images, 3, heads, width, length}).permute({1, 0, 2, 3, 4});
  const std::vector<Tensor> q_k_v = parts.unbind(0);
  const Tensor &q = q_k_v[0], &k = q_k_v[1], &v = q_k_v[2];
  const double scale = 1.0 / std::sqrt(static_cast<double>(width));
  const Tensor weights = at::softmax(at::matmul(q.transpose(-2, -1) * scale, k), -1);
  return at::matmul(v, weights.transpose(-2, -1)).reshape({images, heads * width, length}).to(qkv.scalar_type());
}

Tensor silu(const Tensor& x) { return at::silu(x.to(accumulation_type(x))).to(x.scalar_type()); }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto type = x.scalar_type();
  return at::linear(x, weight.to(type), converted(bias, type));
}

Tensor upsample_nearest(const Tensor& x) { return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}); }

Tensor average_pool(const Tensor& x) { return at::avg_pool2d(x, {2, 2}, {2, 2}); }

Tensor concatenate_channels(const Tensor& a, const Tensor& b) { return at::cat({a, b}, 1); }

}  // namespace iddpm::kernels::reference
