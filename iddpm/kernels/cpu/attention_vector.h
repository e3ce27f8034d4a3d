#pragma once

#include <cstdint>

/// Attention of one head in one image. One thread. T is float, or std::uint16_t for bfloat16's bits, whose products are
/// exact and whose weights are rounded to bfloat16 where the processor multiplies pairs of bfloat16; softmax and all
/// sums are float32. The T x T matrix never exists: a block of queries at a time.
namespace iddpm::kernels {

/// Rows of `width` contiguous elements, `stride` elements apart.
template <typename T>
struct Rows {
  T* data;
  std::int64_t stride;
};

struct AttentionExtents {
  std::int64_t length;  ///< positions
  std::int64_t width;   ///< channels per head
  float scale;          ///< of q k, 1 / sqrt(width)
};

struct QueryRange {
  std::int64_t begin, end;
};

std::int64_t attention_forward_scratch(const AttentionExtents& extents);   ///< in floats
std::int64_t attention_backward_scratch(const AttentionExtents& extents);  ///< in floats

/// out = softmax(scale q k^T) v; log_sums[query] = log2(sum(exp(scale q k^T))), what backward needs to find the weights
/// again. A query's result depends on no other. `scratch` is aligned to 64 bytes.
template <typename T>
void attention_forward(const AttentionExtents& extents, QueryRange queries, Rows<const T> q, Rows<const T> k,
                       Rows<const T> v, Rows<T> out, float* log_sums, float* scratch);

template <typename T>
struct AttentionGradients {
  Rows<T> q, k, v;
};

/// Gradients of q, k and v from that of out.
template <typename T>
void attention_backward(const AttentionExtents& extents, Rows<const T> q, Rows<const T> k, Rows<const T> v,
                        Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,
                        AttentionGradients<T> gradients, float* scratch);

}  // namespace iddpm::kernels
