#include "iddpm/kernels/cpu/attention_vector.h"

#include <algorithm>
#include <type_traits>

#include "iddpm/kernels/cpu/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/cpu/attention_vector.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/cpu/attention_pack-inl.h"
#include "iddpm/kernels/cpu/attention_tiles-inl.h"
#include "iddpm/kernels/cpu/vector-inl.h"

// Scores are computed with lanes along queries: [key, query]. Then softmax needs no operation across lanes, keys and
// values are read as single words, in their natural order, and any width fills the vectors.
HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

/// Vectors of queries in a block, at most.
constexpr int block_vectors = 2;
constexpr float log2_e = 1.44269504f;

/// Extents of the operands, in words where they are packed.
template <class Format>
struct Operands {
  std::int64_t keys;       ///< rounded up
  std::int64_t key_steps;  ///< words along keys
  std::int64_t steps;      ///< words along a row
  std::int64_t row;        ///< the same, rounded up: the stride of packed rows
  std::int64_t columns;    ///< the width, rounded up
  std::int64_t lanes;      ///< the width, rounded up to whole vectors
  std::int64_t queries;    ///< in a block

  explicit Operands(const AttentionExtents& e)
      : keys(rounded_up(e.length, row_quantum)),
        key_steps(keys / Format::depth),
        steps((e.width + Format::depth - 1) / Format::depth),
        row(rounded_up(steps, row_quantum)),
        columns(rounded_up(e.width, row_quantum)),
        lanes(rounded_up(e.width, hn::Lanes(Floats()))),
        queries(block_vectors * hn::Lanes(Floats())) {}
};

/// Cuts memory into arrays aligned to 64 bytes; without memory it only counts.
class Carver {
 public:
  explicit Carver(float* memory) : memory_(memory) {}
  float* take(std::int64_t count) {
    float* array = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += rounded_up(count, 16);
    return array;
  }
  std::int64_t used() const { return used_; }

 private:
  float* memory_;
  std::int64_t used_ = 0;
};

template <typename T>
HWY_INLINE Rows<T> from_row(Rows<T> rows, std::int64_t first) {
  return {rows.data + first * rows.stride, rows.stride};
}

/// Rows beyond `count` repeat the last one, so that they change no maximum.
HWY_INLINE void repeat_last_row(float* rows, std::int64_t stride, std::int64_t count, std::int64_t padded_count) {
  for (std::int64_t r = count; r < padded_count; ++r)
    std::copy_n(rows + (count - 1) * stride, stride, rows + r * stride);
}

template <class Format>
struct ForwardMemory {
  Carver carver;
  float *k_rows, *v_columns, *scores, *q_rows, *q_turned, *out_turned, *out_rows;

  ForwardMemory(const Operands<Format>& o, float* memory)
      : carver(memory),
        k_rows(carver.take(o.keys * o.row)),
        v_columns(carver.take(o.key_steps * o.columns)),
        scores(carver.take(o.keys * o.queries)),
        q_rows(carver.take(o.queries * o.row)),
        q_turned(carver.take(o.row * o.queries)),
        out_turned(carver.take(o.columns * o.queries)),
        out_rows(carver.take(o.queries * o.columns)) {}
};

/// Replaces scores by the words of 2^(score * factor - largest * factor), returns their sums.
template <class Format, int vectors>
HWY_INLINE void exponentiate(float* scores, std::int64_t length, std::int64_t keys, float factor,
                             const hn::Vec<Floats>* largest, hn::Vec<Floats>* sums) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d), queries = vectors * lanes;
  const auto factors = hn::Set(d, factor);
  hn::Vec<Floats> top[vectors];
  for (int v = 0; v < vectors; ++v) {
    top[v] = hn::Mul(largest[v], factors);
    sums[v] = hn::Zero(d);
  }
  const auto exponential = [&](std::int64_t key, int v) HWY_ATTR {
    const auto score = hn::LoadU(d, scores + key * queries + v * lanes);
    return exp2_negative<Format::depth == 1>(d, hn::MulSub(score, factors, top[v]));
  };
  std::int64_t key = 0;
  for (; key + 2 <= length; key += 2) {
    for (int v = 0; v < vectors; ++v) {
      const auto first = exponential(key, v), second = exponential(key + 1, v);
      sums[v] = hn::Add(sums[v], hn::Add(first, second));
      if constexpr (Format::depth == 2) {
#if IDDPM_KERNELS_BFLOAT16_DOT
        hn::StoreU(pair_words(d, first, second), d, scores + key / 2 * queries + v * lanes);
#endif
      } else {
        hn::StoreU(first, d, scores + key * queries + v * lanes);
        hn::StoreU(second, d, scores + (key + 1) * queries + v * lanes);
      }
    }
  }
  if (key < length) {
    for (int v = 0; v < vectors; ++v) {
      const auto first = exponential(key, v);
      sums[v] = hn::Add(sums[v], first);
      if constexpr (Format::depth == 2) {
#if IDDPM_KERNELS_BFLOAT16_DOT
        hn::StoreU(pair_words(d, first, hn::Zero(d)), d, scores + key / 2 * queries + v * lanes);
#endif
      } else {
        hn::StoreU(first, d, scores + key * queries + v * lanes);
      }
    }
    ++key;
  }
  const std::int64_t written = (key + Format::depth - 1) / Format::depth;
  std::fill(scores + written * queries, scores + keys / Format::depth * queries, 0.0f);
}

/// Packs a block of rows, along the row and turned: [word, query]. Rows beyond `count` become zero.
template <class Format, int vectors, typename T>
HWY_INLINE void pack_turned(const Operands<Format>& o, Rows<const T> from, std::int64_t count, std::int64_t width,
                            float* rows, float* turned) {
  const std::int64_t queries = vectors * hn::Lanes(Floats());
  pack_rows<Format>(from, count, width, rows, o.row);
  std::fill(rows + count * o.row, rows + queries * o.row, 0.0f);
  transpose(rows, o.row, queries, o.row, turned, queries);
}

/// One block of `count` queries.
template <class Format, int vectors, typename T>
HWY_INLINE void forward_block(const AttentionExtents& e, const Operands<Format>& o, const ForwardMemory<Format>& m,
                              std::int64_t count, Rows<const T> q, Rows<T> out, float* log_sums) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d), queries = vectors * lanes;
  pack_turned<Format, vectors>(o, q, count, e.width, m.q_rows, m.q_turned);

  hn::Vec<Floats> largest[vectors], sums[vectors], inverse[vectors];
  for (int v = 0; v < vectors; ++v) largest[v] = hn::Set(d, -3.4e38f);
  float* const scores = m.scores;
  multiply<Format, vectors>({m.k_rows, o.row, 1}, {m.q_turned, queries}, o.keys, o.steps,
                            [&, scores](std::int64_t key, int v, hn::Vec<Floats> score) HWY_ATTR {
                              largest[v] = hn::Max(largest[v], score);
                              hn::StoreU(score, d, scores + key * queries + v * lanes);
                            });
  const float factor = e.scale * log2_e;
  exponentiate<Format, vectors>(scores, e.length, o.keys, factor, largest, sums);

  HWY_ALIGN float logarithms[block_vectors * HWY_MAX_BYTES / sizeof(float)];
  for (int v = 0; v < vectors; ++v) {
    inverse[v] = hn::Div(hn::Set(d, 1.0f), sums[v]);
    const auto logarithm = hn::Mul(hn::Log(d, sums[v]), hn::Set(d, log2_e));
    hn::StoreU(hn::MulAdd(largest[v], hn::Set(d, factor), logarithm), d, logarithms + v * lanes);
  }
  std::copy_n(logarithms, count, log_sums);
  multiply<Format, vectors>({m.v_columns, 1, o.columns}, {scores, queries}, o.columns, o.key_steps,
                            [&](std::int64_t column, int v, hn::Vec<Floats> sum) HWY_ATTR {
                              hn::StoreU(hn::Mul(sum, inverse[v]), d, m.out_turned + column * queries + v * lanes);
                            });
  transpose(m.out_turned, queries, o.columns, queries, m.out_rows, o.columns);
  write_rows(m.out_rows, o.columns, count, e.width, 1.0f, out);
}

/// body(vectors, first, count) for each block of the range, with as many vectors as its queries need.
template <class Body>
HWY_INLINE void for_query_blocks(QueryRange range, const Body& body) {
  const std::int64_t lanes = hn::Lanes(Floats());
  std::int64_t first = range.begin;
  for (; range.end - first > lanes; first += 2 * lanes) {
    body(std::integral_constant<int, 2>(), first, std::min(2 * lanes, range.end - first));
  }
  if (first < range.end) body(std::integral_constant<int, 1>(), first, range.end - first);
}

template <class Format, typename T>
HWY_INLINE void forward(const AttentionExtents& e, QueryRange range, Rows<const T> q, Rows<const T> k, Rows<const T> v,
                        Rows<T> out, float* log_sums, float* scratch) {
  const Operands<Format> o(e);
  const ForwardMemory<Format> m(o, scratch);
  pack_rows<Format>(k, e.length, e.width, m.k_rows, o.row);
  repeat_last_row(m.k_rows, o.row, e.length, o.keys);
  pack_columns<Format>(v, e.length, o.keys, e.width, m.v_columns, o.columns);
  for_query_blocks(range, [&](auto vectors, std::int64_t first, std::int64_t count) HWY_ATTR {
    forward_block<Format, vectors.value>(e, o, m, count, from_row(q, first), from_row(out, first), log_sums + first);
  });
}

template <class Format>
struct BackwardMemory {
  Carver carver;
  float *k_rows, *v_rows, *k_columns, *k_gradient, *v_gradient;
  float *weights, *score_gradient, *score_gradient_columns;
  float *q_rows, *q_turned, *q_columns, *out_rows, *out_turned, *out_columns, *q_gradient_turned, *q_gradient;

  BackwardMemory(const Operands<Format>& o, float* memory)
      : carver(memory),
        k_rows(carver.take(o.keys * o.row)),
        v_rows(carver.take(o.keys * o.row)),
        k_columns(carver.take(o.key_steps * o.columns)),
        k_gradient(carver.take(o.keys * o.lanes)),
        v_gradient(carver.take(o.keys * o.lanes)),
        weights(carver.take(o.keys * o.queries / Format::depth)),
        score_gradient(carver.take(o.keys * o.queries / Format::depth)),
        // One array serves for both directions where words are single numbers.
        score_gradient_columns(Format::depth == 1 ? score_gradient : carver.take(o.key_steps * o.queries)),
        q_rows(carver.take(o.queries * o.row)),
        q_turned(carver.take(o.row * o.queries)),
        q_columns(carver.take(o.queries / Format::depth * o.lanes)),
        out_rows(carver.take(o.queries * o.row)),
        out_turned(carver.take(o.row * o.queries)),
        out_columns(carver.take(o.queries / Format::depth * o.lanes)),
        q_gradient_turned(carver.take(o.columns * o.queries)),
        q_gradient(carver.take(o.queries * o.columns)) {}
};

/// For a tile of keys: the weights p = 2^(score * factor - log_sum) and the gradients of the scores, p * (gradient of p
/// - mean), in the operands' formats.
template <class Format, int rows, int vectors>
HWY_INLINE void backward_tile(const Operands<Format>& o, const BackwardMemory<Format>& m, std::int64_t key,
                              float factor, const float* log_sums, const float* means) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d), queries = vectors * lanes;
  HWY_ALIGN float own_weights[rows * block_vectors * HWY_MAX_BYTES / sizeof(float)];
  HWY_ALIGN float own_gradients[rows * block_vectors * HWY_MAX_BYTES / sizeof(float)];
  float* weights = Format::depth == 1 ? m.weights + key * queries : own_weights;
  float* gradients = Format::depth == 1 ? m.score_gradient + key * queries : own_gradients;
  const auto factors = hn::Set(d, factor);
  multiply_tile<Format, rows, vectors>(
      {m.k_rows + key * o.row, o.row, 1}, {m.q_turned, queries}, o.steps,
      [&](int r, int v, hn::Vec<Floats> score) HWY_ATTR {
        const auto power = hn::MulSub(score, factors, hn::LoadU(d, log_sums + v * lanes));
        hn::StoreU(exp2_negative<Format::depth == 1>(d, power), d, weights + r * queries + v * lanes);
      });
  multiply_tile<Format, rows, vectors>({m.v_rows + key * o.row, o.row, 1}, {m.out_turned, queries}, o.steps,
                                       [&](int r, int v, hn::Vec<Floats> gradient) HWY_ATTR {
                                         const auto weight = hn::LoadU(d, weights + r * queries + v * lanes);
                                         const auto centred = hn::Sub(gradient, hn::LoadU(d, means + v * lanes));
                                         hn::StoreU(hn::Mul(weight, centred), d, gradients + r * queries + v * lanes);
                                       });
  if constexpr (Format::depth == 2) {
#if IDDPM_KERNELS_BFLOAT16_DOT
    const std::int64_t words = queries / 2;
    for (int r = 0; r < rows; r += 2) {
      for (int v = 0; v < vectors; ++v) {
        const auto first = hn::LoadU(d, gradients + r * queries + v * lanes);
        const auto second = hn::LoadU(d, gradients + (r + 1) * queries + v * lanes);
        hn::StoreU(pair_words(d, first, second), d, m.score_gradient_columns + (key + r) / 2 * queries + v * lanes);
        store_neighbours(first, m.score_gradient + (key + r) * words + v * lanes / 2);
        store_neighbours(second, m.score_gradient + (key + r + 1) * words + v * lanes / 2);
        for (int i = 0; i < 2; ++i) {
          store_neighbours(hn::LoadU(d, weights + (r + i) * queries + v * lanes),
                           m.weights + (key + r + i) * words + v * lanes / 2);
        }
      }
    }
#endif
  }
}

/// sums [rows, columns] = or += the product of left [rows, steps] and right [steps, columns], whole vectors of columns.
template <class Format>
HWY_INLINE void add_product(LeftWords left, RightWords right, std::int64_t rows, std::int64_t columns,
                            std::int64_t steps, float* sums, bool accumulate) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d);
  std::int64_t column = 0;
  const auto rest = [&] { return RightWords{right.data + column, right.stride}; };
  const auto consume = [&](std::int64_t row, int v, hn::Vec<Floats> sum) HWY_ATTR {
    float* to = sums + row * columns + column + v * lanes;
    hn::StoreU(accumulate ? hn::Add(hn::LoadU(d, to), sum) : sum, d, to);
  };
  for (; column + 2 * lanes <= columns; column += 2 * lanes) multiply<Format, 2>(left, rest(), rows, steps, consume);
  if (column < columns) multiply<Format, 1>(left, rest(), rows, steps, consume);
}

/// One block of `count` queries: the gradient of q, and what the block adds to those of k and v.
template <class Format, int vectors, typename T>
HWY_INLINE void backward_block(const AttentionExtents& e, const Operands<Format>& o, const BackwardMemory<Format>& m,
                               std::int64_t count, Rows<const T> q, Rows<const T> out, Rows<const T> out_gradient,
                               const float* log_sums, Rows<T> q_gradient, bool accumulate) {
  const Floats d;
  const std::int64_t lanes = hn::Lanes(d), queries = vectors * lanes, words = queries / Format::depth;
  pack_turned<Format, vectors>(o, q, count, e.width, m.q_rows, m.q_turned);
  pack_turned<Format, vectors>(o, out_gradient, count, e.width, m.out_rows, m.out_turned);
  pack_columns<Format>(q, count, queries, e.width, m.q_columns, o.lanes);
  pack_columns<Format>(out_gradient, count, queries, e.width, m.out_columns, o.lanes);
  HWY_ALIGN float sums[block_vectors * HWY_MAX_BYTES / sizeof(float)] = {};
  HWY_ALIGN float means[block_vectors * HWY_MAX_BYTES / sizeof(float)] = {};
  for (std::int64_t r = 0; r < count; ++r) {
    sums[r] = log_sums[r];
    means[r] = dot(out.data + r * out.stride, out_gradient.data + r * out_gradient.stride, e.width);
  }

  const float factor = e.scale * log2_e;
  std::int64_t key = 0;
  for (; key + tile_rows <= o.keys; key += tile_rows) {
    backward_tile<Format, tile_rows, vectors>(o, m, key, factor, sums, means);
  }
  for (; key < o.keys; key += row_quantum) {
    backward_tile<Format, row_quantum, vectors>(o, m, key, factor, sums, means);
  }

  add_product<Format>({m.weights, words, 1}, {m.out_columns, o.lanes}, o.keys, o.lanes, words, m.v_gradient,
                      accumulate);
  add_product<Format>({m.score_gradient, words, 1}, {m.q_columns, o.lanes}, o.keys, o.lanes, words, m.k_gradient,
                      accumulate);
  multiply<Format, vectors>({m.k_columns, 1, o.columns}, {m.score_gradient_columns, queries}, o.columns, o.key_steps,
                            [&](std::int64_t column, int v, hn::Vec<Floats> sum)
                                HWY_ATTR { hn::StoreU(sum, d, m.q_gradient_turned + column * queries + v * lanes); });
  transpose(m.q_gradient_turned, queries, o.columns, queries, m.q_gradient, o.columns);
  write_rows(m.q_gradient, o.columns, count, e.width, e.scale, q_gradient);
}

template <class Format, typename T>
HWY_INLINE void backward(const AttentionExtents& e, Rows<const T> q, Rows<const T> k, Rows<const T> v,
                         Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,
                         const AttentionGradients<T>& gradients, float* scratch) {
  const Operands<Format> o(e);
  const BackwardMemory<Format> m(o, scratch);
  pack_rows<Format>(k, e.length, e.width, m.k_rows, o.row);
  repeat_last_row(m.k_rows, o.row, e.length, o.keys);
  pack_rows<Format>(v, e.length, e.width, m.v_rows, o.row);
  repeat_last_row(m.v_rows, o.row, e.length, o.keys);
  pack_columns<Format>(k, e.length, o.keys, e.width, m.k_columns, o.columns);
  for_query_blocks({0, e.length}, [&](auto vectors, std::int64_t first, std::int64_t count) HWY_ATTR {
    backward_block<Format, vectors.value>(e, o, m, count, from_row(q, first), from_row(out, first),
                                          from_row(out_gradient, first), log_sums + first, from_row(gradients.q, first),
                                          first > 0);
  });
  write_rows(m.k_gradient, o.lanes, e.length, e.width, e.scale, gradients.k);
  write_rows(m.v_gradient, o.lanes, e.length, e.width, 1.0f, gradients.v);
}

/// body(format) with the format of the operands for activations of type T.
template <typename T, class Body>
HWY_INLINE auto with_format(bool bfloat16_dot, const Body& body) {
#if IDDPM_KERNELS_BFLOAT16_DOT
  if constexpr (sizeof(T) == 2) {
    if (bfloat16_dot) return body(Bfloat16Pair());
  }
#endif
  return body(Float32());
}

// HWY_EXPORT takes plain functions: one per type.
#define IDDPM_KERNELS_ATTENTION(T, suffix)                                                                       \
  void forward_##suffix(bool bfloat16_dot, const AttentionExtents& extents, QueryRange queries, Rows<const T> q, \
                        Rows<const T> k, Rows<const T> v, Rows<T> out, float* log_sums, float* scratch) {        \
    with_format<T>(bfloat16_dot, [&](auto format) HWY_ATTR {                                                     \
      forward<decltype(format)>(extents, queries, q, k, v, out, log_sums, scratch);                              \
    });                                                                                                          \
  }                                                                                                              \
  void backward_##suffix(bool bfloat16_dot, const AttentionExtents& extents, Rows<const T> q, Rows<const T> k,   \
                         Rows<const T> v, Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,  \
                         const AttentionGradients<T>& gradients, float* scratch) {                               \
    with_format<T>(bfloat16_dot, [&](auto format) HWY_ATTR {                                                     \
      backward<decltype(format)>(extents, q, k, v, out, out_gradient, log_sums, gradients, scratch);             \
    });                                                                                                          \
  }
IDDPM_KERNELS_ATTENTION(float, float32)
IDDPM_KERNELS_ATTENTION(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_ATTENTION

// Of the larger format.
std::int64_t forward_scratch(const AttentionExtents& e) {
  return ForwardMemory<Float32>(Operands<Float32>(e), nullptr).carver.used();
}

std::int64_t backward_scratch(const AttentionExtents& e) {
  return BackwardMemory<Float32>(Operands<Float32>(e), nullptr).carver.used();
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {
namespace {

/// Does the processor multiply and add pairs of bfloat16?
bool has_bfloat16_dot() {
#if HWY_ARCH_X86_64 && HWY_COMPILER_GCC
  static const bool has = __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}

}  // namespace

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
    HWY_DYNAMIC_DISPATCH(forward_##suffix)                                                                         \
    (has_bfloat16_dot(), extents, queries, q, k, v, out, log_sums, scratch);                                       \
  }                                                                                                                \
  template <>                                                                                                      \
  void attention_backward<T>(const AttentionExtents& extents, Rows<const T> q, Rows<const T> k, Rows<const T> v,   \
                             Rows<const T> out, Rows<const T> out_gradient, const float* log_sums,                 \
                             AttentionGradients<T> gradients, float* scratch) {                                    \
    HWY_DYNAMIC_DISPATCH(backward_##suffix)                                                                        \
    (has_bfloat16_dot(), extents, q, k, v, out, out_gradient, log_sums, gradients, scratch);                       \
  }
IDDPM_KERNELS_ATTENTION(float, float32)
IDDPM_KERNELS_ATTENTION(std::uint16_t, bfloat16)
#undef IDDPM_KERNELS_ATTENTION

}  // namespace iddpm::kernels
#endif
