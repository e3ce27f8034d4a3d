#include "iddpm/kernels/attention_vector.h"

#include <algorithm>

#include "iddpm/kernels/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/attention_vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/gemm-inl.h"
#include "iddpm/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

constexpr std::int64_t query_block =
    24;  // a multiple of tile_rows: its scores against a few thousand keys stay in cache

/// Copies `count` rows of `width` elements, times `factor`, to float32 rows `stride` apart; the rest of each row
/// becomes zero.
template <typename T>
HWY_INLINE void copy_rows(Rows<const T> from, std::int64_t count, std::int64_t width, float factor, float* to,
                          std::int64_t stride) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  const auto factors = hn::Set(d, factor);
  for (std::int64_t r = 0; r < count; ++r) {
    const T* row = from.data + r * from.stride;
    float* out = to + r * stride;
    std::int64_t i = 0;
    for (; i + lanes <= width; i += lanes) hn::StoreU(hn::Mul(load(d, row + i), factors), d, out + i);
    for (; i < width; ++i) out[i] = factor * hn::GetLane(load(OneFloat(), row + i));
    std::fill(out + i, out + stride, 0.0f);
  }
}

/// Writes float32 rows, times `factor`.
template <typename T>
HWY_INLINE void write_rows(const float* from, std::int64_t stride, std::int64_t count, std::int64_t width, float factor,
                           Rows<T> to) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  for (std::int64_t r = 0; r < count; ++r) {
    const float* row = from + r * stride;
    T* out = to.data + r * to.stride;
    std::int64_t i = 0;
    for (; i + lanes <= width; i += lanes) store(hn::Mul(hn::LoadU(d, row + i), hn::Set(d, factor)), d, out + i);
    for (; i < width; ++i) store(hn::Set(OneFloat(), row[i] * factor), OneFloat(), out + i);
  }
}

/// [rows, stride_from] -> [columns, stride_to]; what lies beyond `rows` in a new row becomes zero.
HWY_INLINE void transpose(const float* from, std::int64_t stride_from, std::int64_t rows, std::int64_t columns,
                          float* to, std::int64_t stride_to) {
  constexpr std::int64_t block = 16;
  for (std::int64_t r0 = 0; r0 < rows; r0 += block) {
    const std::int64_t r1 = std::min(rows, r0 + block);
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t r = r0; r < r1; ++r) to[c * stride_to + r] = from[r * stride_from + c];
    }
  }
  for (std::int64_t c = 0; c < columns; ++c) std::fill(to + c * stride_to + rows, to + (c + 1) * stride_to, 0.0f);
}

/// Turns a row of scores into exp(score - largest), zero beyond `length`; returns the sum and the largest.
struct RowSum {
  float sum, largest;
};

HWY_INLINE RowSum exponentiate(float* row, std::int64_t length, std::int64_t stride) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  std::fill(row + length, row + stride, -1e30f);
  auto largest = hn::LoadU(d, row);
  for (std::int64_t i = lanes; i < stride; i += lanes) largest = hn::Max(largest, hn::LoadU(d, row + i));
  const auto top = hn::MaxOfLanes(d, largest);
  auto sum = hn::Zero(d);
  for (std::int64_t i = 0; i < stride; i += lanes) {
    const auto value = hn::Exp(d, hn::Sub(hn::LoadU(d, row + i), top));
    hn::StoreU(value, d, row + i);
    sum = hn::Add(sum, value);
  }
  return {hn::GetLane(hn::SumOfLanes(d, sum)), hn::GetLane(top)};
}

template <typename T>
HWY_INLINE void forward(const AttentionExtents& e, QueryRange queries, Rows<const T> q, Rows<const T> k,
                        Rows<const T> v, Rows<T> out, float* log_sums, float* scratch) {
  const std::int64_t columns = padded(e.length), width = padded(e.width);
  float* k_transposed = scratch;                   // [width, columns]
  float* values = k_transposed + width * columns;  // [length, width]
  float* scores = values + e.length * width;       // [query_block, columns]
  float* q_rows = scores + query_block * columns;  // [query_block, width]
  float* results = q_rows + query_block * width;   // [query_block, width]
  copy_rows(k, e.length, e.width, 1.0f, values, width);
  transpose(values, width, e.length, e.width, k_transposed, columns);
  copy_rows(v, e.length, e.width, 1.0f, values, width);
  for (std::int64_t first = queries.begin; first < queries.end; first += query_block) {
    const std::int64_t count = std::min(query_block, queries.end - first);
    copy_rows<T>({q.data + first * q.stride, q.stride}, count, e.width, e.scale, q_rows, width);
    multiply({q_rows, width, 1}, {k_transposed, columns}, {scores, columns}, count, columns, e.width);
    float inverse[query_block];
    for (std::int64_t r = 0; r < count; ++r) {
      const RowSum sum = exponentiate(scores + r * columns, e.length, columns);
      inverse[r] = 1.0f / sum.sum;
      log_sums[first + r] = sum.largest + std::log(sum.sum);
    }
    multiply({scores, columns, 1}, {values, width}, {results, width}, count, width, e.length);
    for (std::int64_t r = 0; r < count; ++r) {
      write_rows<T>(results + r * width, width, 1, e.width, inverse[r],
                    {out.data + (first + r) * out.stride, out.stride});
    }
  }
}

/// The sum of products of two float32 rows.
HWY_INLINE float dot(const float* a, const float* b, std::int64_t stride) {
  const Floats d;
  auto sum = hn::Zero(d);
  for (std::int64_t i = 0; i < stride; i += hn::Lanes(d))
    sum = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// From scores s and the gradients of the weights: weights p = exp(s - log_sum) in place of s, p * (gradient - mean) in
/// place of gradient.
HWY_INLINE void score_gradients(float* scores, float* gradients, std::int64_t length, std::int64_t stride,
                                float log_sum, float mean) {
  const Floats d;
  std::fill(scores + length, scores + stride, -1e30f);
  for (std::int64_t i = 0; i < stride; i += hn::Lanes(d)) {
    const auto weight = hn::Exp(d, hn::Sub(hn::LoadU(d, scores + i), hn::Set(d, log_sum)));
    hn::StoreU(weight, d, scores + i);
    hn::StoreU(hn::Mul(weight, hn::Sub(hn::LoadU(d, gradients + i), hn::Set(d, mean))), d, gradients + i);
  }
}

template <typename T>
HWY_INLINE void backward(const AttentionExtents& e, Rows<const T> q, Rows<const T> k, Rows<const T> v,
                         Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,
                         const AttentionGradients<T>& gradients, float* scratch) {
  const std::int64_t columns = padded(e.length), width = padded(e.width);
  float* keys = scratch;                                    // [length, width]
  float* k_transposed = keys + e.length * width;            // [width, columns]
  float* v_transposed = k_transposed + width * columns;     // [width, columns]
  float* k_gradient = v_transposed + width * columns;       // [length, width]
  float* v_gradient = k_gradient + e.length * width;        // [length, width]
  float* scores = v_gradient + e.length * width;            // [query_block, columns]
  float* weight_gradient = scores + query_block * columns;  // [query_block, columns]
  float* q_rows = weight_gradient + query_block * columns;  // [query_block, width], as are the rest
  float* out_rows = q_rows + query_block * width;
  float* gradient_rows = out_rows + query_block * width;
  float* q_gradient = gradient_rows + query_block * width;
  copy_rows(v, e.length, e.width, 1.0f, keys, width);
  transpose(keys, width, e.length, e.width, v_transposed, columns);
  copy_rows(k, e.length, e.width, 1.0f, keys, width);
  transpose(keys, width, e.length, e.width, k_transposed, columns);
  for (std::int64_t first = 0; first < e.length; first += query_block) {
    const std::int64_t count = std::min(query_block, e.length - first);
    copy_rows<T>({q.data + first * q.stride, q.stride}, count, e.width, e.scale, q_rows, width);
    copy_rows<T>({out.data + first * out.stride, out.stride}, count, e.width, 1.0f, out_rows, width);
    copy_rows<T>({out_gradient.data + first * out_gradient.stride, out_gradient.stride}, count, e.width, 1.0f,
                 gradient_rows, width);
    multiply({q_rows, width, 1}, {k_transposed, columns}, {scores, columns}, count, columns, e.width);
    multiply({gradient_rows, width, 1}, {v_transposed, columns}, {weight_gradient, columns}, count, columns, e.width);
    for (std::int64_t r = 0; r < count; ++r) {
      const float mean = dot(out_rows + r * width, gradient_rows + r * width, width);
      score_gradients(scores + r * columns, weight_gradient + r * columns, e.length, columns, log_sums[first + r],
                      mean);
    }
    const bool accumulate = first > 0;
    multiply({scores, 1, columns}, {gradient_rows, width}, {v_gradient, width}, e.length, width, count, accumulate);
    multiply({weight_gradient, 1, columns}, {q_rows, width}, {k_gradient, width}, e.length, width, count, accumulate);
    multiply({weight_gradient, columns, 1}, {keys, width}, {q_gradient, width}, count, width, e.length);
    write_rows<T>(q_gradient, width, count, e.width, e.scale,
                  {gradients.q.data + first * gradients.q.stride, gradients.q.stride});
  }
  write_rows(k_gradient, width, e.length, e.width, 1.0f, gradients.k);  // q_rows carried the scale
  write_rows(v_gradient, width, e.length, e.width, 1.0f, gradients.v);
}

// HWY_EXPORT takes plain functions: one per type.
#define IDDPM_KERNELS_ATTENTION(T, suffix)                                                                     \
  void forward_##suffix(const AttentionExtents& extents, QueryRange queries, Rows<const T> q, Rows<const T> k, \
                        Rows<const T> v, Rows<T> out, float* log_sums, float* scratch) {                       \
    forward<T>(extents, queries, q, k, v, out, log_sums, scratch);                                             \
  }                                                                                                            \
  void backward_##suffix(const AttentionExtents& extents, Rows<const T> q, Rows<const T> k, Rows<const T> v,   \
                         Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,                 \
                         const AttentionGradients<T>& gradients, float* scratch) {                             \
    backward<T>(extents, q, k, v, out, out_gradient, log_sums, gradients, scratch);                            \
  }
IDDPM_KERNELS_ATTENTION(float, float32)
IDDPM_KERNELS_ATTENTION(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_ATTENTION

// The widths of scratch memory; the same for every instruction set.
std::int64_t forward_scratch(const AttentionExtents& e) {
  const std::int64_t columns = padded(e.length), width = padded(e.width);
  return width * columns + e.length * width + query_block * (columns + 2 * width);
}

std::int64_t backward_scratch(const AttentionExtents& e) {
  const std::int64_t columns = padded(e.length), width = padded(e.width);
  return 2 * width * columns + 3 * e.length * width + query_block * (2 * columns + 4 * width);
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {

HWY_EXPORT(forward_scratch);
HWY_EXPORT(backward_scratch);

std::int64_t attention_forward_scratch(const AttentionExtents& extents) {
  return HWY_DYNAMIC_DISPATCH(forward_scratch)(extents);
}

std::int64_t attention_backward_scratch(const AttentionExtents& extents) {
  return HWY_DYNAMIC_DISPATCH(backward_scratch)(extents);
}

#define IDDPM_KERNELS_ATTENTION(T, suffix)                                                                         \
  HWY_EXPORT(forward_##suffix);                                                                                    \
  HWY_EXPORT(backward_##suffix);                                                                                   \
  template <>                                                                                                      \
  void attention_forward<T>(const AttentionExtents& extents, QueryRange queries, Rows<const T> q, Rows<const T> k, \
                            Rows<const T> v, Rows<T> out, float* log_sums, float* scratch) {                       \
    HWY_DYNAMIC_DISPATCH(forward_##suffix)(extents, queries, q, k, v, out, log_sums, scratch);                     \
  }                                                                                                                \
  template <>                                                                                                      \
  void attention_backward<T>(const AttentionExtents& extents, Rows<const T> q, Rows<const T> k, Rows<const T> v,   \
                             Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,                 \
                             AttentionGradients<T> gradients, float* scratch) {                                    \
    HWY_DYNAMIC_DISPATCH(backward_##suffix)(extents, q, k, v, out, out_gradient, log_sums, gradients, scratch);    \
  }
IDDPM_KERNELS_ATTENTION(float, float32)
IDDPM_KERNELS_ATTENTION(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_ATTENTION

}  // namespace iddpm::kernels
#endif
