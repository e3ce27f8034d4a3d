#include "iddpm/kernels/cpu/onednn_convolution.h"

#include <mutex>
#include <unordered_map>

#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/onednn_compat.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/cpu/prepared_weights.h"
#include "iddpm/kernels/cpu/scratch.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu::onednn {
namespace {

using dnnl::memory;
using Type = memory::data_type;

const dnnl::engine& engine() {
  static const dnnl::engine& instance = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return instance;
}

enum class Direction { forward, backward_data, backward_weights };

/// A compiled convolution with the layouts it wants.
struct Compiled {
  dnnl::primitive primitive;
  memory::desc x, weight, bias, y, scratchpad;
  WeightForm form = 0;  ///< equal for equal weight layouts
};

memory::desc activation(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, bool bfloat16) {
  return {{n, c, h, w}, bfloat16 ? Type::bf16 : Type::f32, memory::format_tag::nhwc};
}

memory::desc plain_weight(const ConvolutionGeometry& g) {
  return {{g.out_channels, g.channels, g.kernel_height, g.kernel_width}, Type::f32, memory::format_tag::oihw};
}

memory::desc any_weight(const ConvolutionGeometry& g, Type type) {
  return {{g.out_channels, g.channels, g.kernel_height, g.kernel_width}, type, memory::format_tag::any};
}

/// A number for every weight layout met so far.
WeightForm form_of(const memory::desc& layout) {
  static std::mutex mutex;
  static auto& layouts = *new std::vector<memory::desc>;
  const std::lock_guard lock(mutex);
  const auto found = std::find(layouts.begin(), layouts.end(), layout);
  if (found != layouts.end()) return static_cast<WeightForm>(found - layouts.begin());
  layouts.push_back(layout);
  return layouts.size() - 1;
}

Compiled compile(const ConvolutionGeometry& g, Direction direction) {
  const Type type = g.bfloat16 ? Type::bf16 : Type::f32;
  ConvolutionMemory memory{
      .x = activation(g.images, g.channels, g.height, g.width, g.bfloat16),
      .weight = any_weight(g, type),
      .bias = g.bias ? memory::desc({g.out_channels}, Type::f32, memory::format_tag::x) : memory::desc(),
      .y = activation(g.images, g.out_channels, g.out_height(), g.out_width(), g.bfloat16),
      .strides = {g.stride, g.stride},
      .padding = {g.padding, g.padding}};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::primitive_attr forward_attributes = attributes;
  if (direction == Direction::forward && g.residual) {
    dnnl::post_ops add;
    add.append_binary(dnnl::algorithm::binary_add, memory.y);
    forward_attributes.set_post_ops(add);
  }
  const auto description = forward(memory, forward_attributes, engine());
  const auto compiled = [&](const auto& primitive_description, const memory::desc& weight) {
    return Compiled{.primitive = dnnl::primitive(primitive_description),
                    .x = memory.x,
                    .weight = weight,
                    .bias = memory.bias,
                    .y = memory.y,
                    .scratchpad = primitive_description.scratchpad_desc(),
                    .form = form_of(weight)};
  };
  switch (direction) {
    case Direction::forward:
      return compiled(description, description.weights_desc());
    case Direction::backward_data: {
      const auto backward = backward_data(memory, attributes, engine(), description);
      return compiled(backward, backward.weights_desc());
    }
    case Direction::backward_weights: {
      memory.weight = any_weight(g, Type::f32);
      const auto backward = backward_weights(memory, attributes, engine(), description);
      return compiled(backward, backward.diff_weights_desc());
    }
  }
  fail("onednn: unknown direction.");
}

struct CompiledKey {
  ConvolutionGeometry geometry;
  Direction direction;
  int threads;  ///< a primitive divides its work among the threads there were when it was compiled
  bool operator==(const CompiledKey&) const = default;
};

struct CompiledKeyHash {
  std::size_t operator()(const CompiledKey& key) const {
    const ConvolutionGeometry& g = key.geometry;
    std::size_t hash = static_cast<std::size_t>(key.direction) + 4 * static_cast<std::size_t>(key.threads);
    for (const std::int64_t value :
         {g.images, g.channels, g.height, g.width, g.out_channels, g.kernel_height, g.kernel_width, g.stride, g.padding,
          std::int64_t{g.bfloat16 + 2 * g.bias + 4 * g.residual}}) {
      hash = (hash ^ static_cast<std::size_t>(value)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

constexpr std::size_t most_compiled = 4096;  // a network has about a hundred per batch shape

std::shared_ptr<const Compiled> compiled(const ConvolutionGeometry& geometry, Direction direction) {
  static std::mutex mutex;
  static auto& cache = *new std::unordered_map<CompiledKey, std::shared_ptr<const Compiled>, CompiledKeyHash>;
  const CompiledKey key{geometry, direction, parallel_threads()};
  const std::lock_guard lock(mutex);
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= most_compiled) cache.clear();
  return cache.emplace(key, std::make_shared<const Compiled>(compile(geometry, direction))).first->second;
}

memory in_place(const memory::desc& layout, const Tensor& tensor) {
  return memory(layout, engine(), tensor.data_ptr());
}

using PrimitiveArguments = std::unordered_map<int, memory>;

void execute(const Compiled& convolution, PrimitiveArguments arguments) {
  arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(convolution.scratchpad, engine(),
                                                scratch(Scratch::primitive, convolution.scratchpad.get_size() + 1)));
  dnnl::stream stream(engine());
  convolution.primitive.execute(stream, arguments);
  stream.wait();
}

void reorder(memory from, memory to) {
  const TimedOperation timed(Operation::weight_preparation);
  dnnl::stream stream(engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
}

/// The weight as the primitive wants it.
Tensor reordered(const ConvolutionGeometry& geometry, const Compiled& convolution, const Tensor& weight, bool keep) {
  return prepared_weight(weight, convolution.form, keep, [&] {
    const Tensor contiguous = weight.contiguous();
    const auto bytes = static_cast<std::int64_t>(convolution.weight.get_size());
    const Tensor result = at::empty({bytes}, contiguous.options().dtype(at::kByte).requires_grad(c10::nullopt));
    reorder(in_place(plain_weight(geometry), contiguous), in_place(convolution.weight, result));
    return result;
  });
}

/// The values are sets of features.
bool has_isa(dnnl::cpu_isa wanted) {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  return (isa & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

}  // namespace

bool has_bfloat16() { return has_isa(dnnl::cpu_isa::avx512_core); }

bool has_fast_bfloat16() { return has_isa(dnnl::cpu_isa::avx512_core_bf16); }

bool adds_residual() { return has_isa(dnnl::cpu_isa::avx2); }

void forward(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& weight, const Tensor& bias,
             const Tensor& residual, Tensor& y, bool keep_weight) {
  const auto convolution = compiled(geometry, Direction::forward);
  const Tensor prepared = reordered(geometry, *convolution, weight, keep_weight);
  PrimitiveArguments arguments{{DNNL_ARG_SRC, in_place(convolution->x, x)},
                               {DNNL_ARG_WEIGHTS, in_place(convolution->weight, prepared)},
                               {DNNL_ARG_DST, in_place(convolution->y, y)}};
  if (geometry.bias) arguments.emplace(DNNL_ARG_BIAS, in_place(convolution->bias, bias));
  if (geometry.residual) {
    arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, in_place(convolution->y, residual));
  }
  execute(*convolution, std::move(arguments));
}

void backward_data(const ConvolutionGeometry& geometry, const Tensor& dy, const Tensor& weight, Tensor& dx,
                   bool keep_weight) {
  const auto convolution = compiled(geometry, Direction::backward_data);
  const Tensor prepared = reordered(geometry, *convolution, weight, keep_weight);
  execute(*convolution, {{DNNL_ARG_DIFF_DST, in_place(convolution->y, dy)},
                         {DNNL_ARG_WEIGHTS, in_place(convolution->weight, prepared)},
                         {DNNL_ARG_DIFF_SRC, in_place(convolution->x, dx)}});
}

void backward_weights(const ConvolutionGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dweight,
                      Tensor& dbias) {
  const auto convolution = compiled(geometry, Direction::backward_weights);
  const memory plain = in_place(plain_weight(geometry), dweight);
  const bool in_order = convolution->weight == plain.get_desc();
  const memory target = in_order ? plain
                                 : memory(convolution->weight, engine(),
                                          scratch(Scratch::reordered_weight, convolution->weight.get_size()));
  PrimitiveArguments arguments{{DNNL_ARG_SRC, in_place(convolution->x, x)},
                               {DNNL_ARG_DIFF_DST, in_place(convolution->y, dy)},
                               {DNNL_ARG_DIFF_WEIGHTS, target}};
  if (geometry.bias) arguments.emplace(DNNL_ARG_DIFF_BIAS, in_place(convolution->bias, dbias));
  execute(*convolution, std::move(arguments));
  if (!in_order) reorder(target, plain);
}

}  // namespace iddpm::kernels::cpu::onednn
