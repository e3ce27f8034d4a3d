#include "iddpm/kernels/cpu/attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "iddpm/kernels/cpu/attention_vector.h"
#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/cpu/scratch.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {
namespace {

/// Where each head's rows lie in the channels-last [N, T, 3 C] and [N, T, C] memory.
struct Layout {
  std::int64_t images, length, heads, width;
  QkvOrder order;

  Layout(const Tensor& qkv, std::int64_t heads, QkvOrder order)
      : images(qkv.size(0)), length(qkv.size(2)), heads(heads), width(qkv.size(1) / (3 * heads)), order(order) {}

  std::int64_t channels() const { return heads * width; }
  AttentionExtents extents() const {
    return {.length = length, .width = width, .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)))};
  }
  /// part 0, 1, 2: q, k, v.
  template <typename T>
  Rows<T> part(T* data, std::int64_t image, std::int64_t head, std::int64_t part) const {
    const std::int64_t channel =
        order == QkvOrder::heads_first ? (3 * head + part) * width : (part * heads + head) * width;
    return {data + image * length * 3 * channels() + channel, 3 * channels()};
  }
  template <typename T>
  Rows<T> out(T* data, std::int64_t image, std::int64_t head) const {
    return {data + image * length * channels() + head * width, channels()};
  }
};

/// body(task, memory) for every task, shared among the threads, each with its own `floats` of scratch memory.
template <typename Body>
void for_tasks(std::int64_t tasks, std::int64_t floats, const Body& body) {
  const std::int64_t parts = std::min<std::int64_t>(tasks, parallel_threads());
  // Taken here, for all: it can throw.
  const auto bytes = static_cast<std::size_t>(parts * floats) * sizeof(float);
  float* memory = static_cast<float*>(scratch(Scratch::transformed_input, bytes));
  parallel_for(parts, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      for (std::int64_t task = tasks * part / parts; task < tasks * (part + 1) / parts; ++task) {
        body(task, memory + part * floats);
      }
    }
  });
}

template <typename T>
void forward_heads(const Layout& layout, const T* qkv, T* out, float* log_sums) {
  const AttentionExtents extents = layout.extents();
  // Where there are few heads, several threads share one head's queries.
  const std::int64_t heads = layout.images * layout.heads;
  const std::int64_t shares = heads >= parallel_threads() ? 1 : (parallel_threads() + heads - 1) / heads;
  for_tasks(heads * shares, attention_forward_scratch(extents), [&](std::int64_t task, float* memory) {
    const std::int64_t share = task % shares, image = task / shares / layout.heads, head = task / shares % layout.heads;
    const QueryRange queries{layout.length * share / shares, layout.length * (share + 1) / shares};
    attention_forward<T>(extents, queries, layout.part(qkv, image, head, 0), layout.part(qkv, image, head, 1),
                         layout.part(qkv, image, head, 2), layout.out(out, image, head),
                         log_sums + (image * layout.heads + head) * layout.length, memory);
  });
}

template <typename T>
void backward_heads(const Layout& layout, const T* qkv, const T* out, const T* out_gradient, const float* log_sums,
                    T* gradient) {
  const AttentionExtents extents = layout.extents();
  for_tasks(layout.images * layout.heads, attention_backward_scratch(extents), [&](std::int64_t task, float* memory) {
    const std::int64_t image = task / layout.heads, head = task % layout.heads;
    attention_backward<T>(extents, layout.part(qkv, image, head, 0), layout.part(qkv, image, head, 1),
                          layout.part(qkv, image, head, 2), layout.out(out, image, head),
                          layout.out(out_gradient, image, head), log_sums + task * layout.length,
                          {layout.part(gradient, image, head, 0), layout.part(gradient, image, head, 1),
                           layout.part(gradient, image, head, 2)},
                          memory);
  });
}

struct AttentionResult {
  Tensor out, log_sums;
};

AttentionResult attention_forward(const Tensor& qkv, std::int64_t heads, QkvOrder order) {
  const Layout layout(qkv, heads, order);
  AttentionResult result{.out = empty_channels_last(qkv, {layout.images, layout.channels(), layout.length}),
                         .log_sums = at::empty({layout.images * heads, layout.length},
                                               qkv.options().dtype(at::kFloat).requires_grad(c10::nullopt))};
  for_type_of(qkv, [&](auto type) {
    using T = decltype(type);
    forward_heads<T>(layout, elements<T>(qkv), elements<T>(result.out), result.log_sums.data_ptr<float>());
  });
  return result;
}

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& qkv, std::int64_t heads,
                        QkvOrder order) {
    const Tensor dense = channels_last(qkv);
    AttentionResult result = attention_forward(dense, heads, order);
    context->save_for_backward({dense, result.out, result.log_sums});
    context->saved_data["heads"] = heads;
    context->saved_data["heads_first"] = order == QkvOrder::heads_first;
    return result.out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const TimedOperation timed(Operation::attention_backward);
    const auto saved = context->get_saved_variables();
    const Tensor &qkv = saved[0], &out = saved[1];
    const auto order = context->saved_data["heads_first"].toBool() ? QkvOrder::heads_first : QkvOrder::qkv_first;
    const Layout layout(qkv, context->saved_data["heads"].toInt(), order);
    const Tensor out_gradient = channels_last(gradients[0].to(qkv.scalar_type()));
    Tensor gradient = empty_channels_last(qkv, qkv.sizes());
    for_type_of(qkv, [&](auto type) {
      using T = decltype(type);
      backward_heads<T>(layout, elements<T>(qkv), elements<T>(out), elements<T>(out_gradient),
                        saved[2].data_ptr<float>(), elements<T>(gradient));
    });
    return {gradient, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor attention(const Tensor& qkv, std::int64_t heads, QkvOrder order) {
  if (at::GradMode::is_enabled() && qkv.requires_grad()) return AttentionFunction::apply(qkv, heads, order);
  return attention_forward(channels_last(qkv), heads, order).out;
}

}  // namespace iddpm::kernels::cpu
