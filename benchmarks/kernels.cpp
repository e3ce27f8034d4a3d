// Every operation of the networks, forward and with its backward pass, by the fast and the plain path, in the shapes of
// two networks: the paper's CIFAR-10 network at batch 8, and a small one (32 channels) at batch 32. OMP_NUM_THREADS
// chooses the threads.

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>

#include "iddpm/kernels/gemm.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/memory_policy.h"
#include "iddpm/kernels/operations.h"
#include "iddpm/kernels/optimizer_step.h"
#include "iddpm/kernels/parallel.h"

namespace iddpm::kernels {
namespace {

using Tensors = std::vector<Tensor>;
using Operation = std::function<Tensor(const Tensors&)>;

/// What one run of an operation costs at least.
struct Work {
  double flops = 0;
  double bytes = 0;
};

enum class Pass { forward, training };

struct Setting {
  at::ScalarType type;
  KernelOptions::Path path;
  Pass pass;
};

std::string describe(const Setting& setting) {
  return fmt::format("{}/{}/{}", setting.type == at::kFloat ? "float32" : "bfloat16",
                     setting.path == KernelOptions::Path::automatic ? "fast" : "plain",
                     setting.pass == Pass::forward ? "forward" : "training");
}

Tensor activation(at::IntArrayRef shape, at::ScalarType type) {
  return at::randn(shape).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

void run(benchmark::State& state, const Operation& operation, Tensors inputs, const Setting& setting,
         const Work& work) {
  const KernelScope scope({.path = setting.path});
  const bool training = setting.pass == Pass::training;
  const at::AutoGradMode gradients(training);
  Tensor direction;
  if (training) {
    for (Tensor& input : inputs) input.requires_grad_(at::isFloatingType(input.scalar_type()));
    direction = at::randn_like(operation(inputs));
  }
  for ([[maybe_unused]] const auto& _ : state) {
    const Tensor y = operation(inputs);
    if (training) y.backward(direction);
    benchmark::DoNotOptimize(y.data_ptr());
  }
  // Backward costs about twice the forward pass: the gradients of both factors of a product, or two more passes over
  // memory.
  const double factor = training ? 3 : 1;
  if (work.flops > 0) {
    state.counters["FLOP/s"] = benchmark::Counter(factor * work.flops, benchmark::Counter::kIsIterationInvariantRate);
  }
  if (work.bytes > 0) state.SetBytesProcessed(static_cast<std::int64_t>(factor * work.bytes * state.iterations()));
}

/// Registers an operation in both types, by both paths, forward and in training. `make_inputs` takes the activations'
/// type.
void add(const std::string& name, const Operation& operation, const std::function<Tensors(at::ScalarType)>& make_inputs,
         const std::function<Work(const Tensors&)>& work) {
  for (auto type : {at::kFloat, at::kBFloat16}) {
    for (auto path : {KernelOptions::Path::automatic, KernelOptions::Path::reference}) {
      for (auto pass : {Pass::forward, Pass::training}) {
        const Setting setting{type, path, pass};
        const auto body = [=](benchmark::State& state) {
          const Tensors inputs = make_inputs(type);
          run(state, operation, inputs, setting, work(inputs));
        };
        benchmark::RegisterBenchmark((name + "/" + describe(setting)).c_str(), body)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      }
    }
  }
}

struct Shape {
  std::int64_t images, channels, size;
};

const std::vector<Shape> shapes = {{8, 128, 32}, {8, 256, 16}, {8, 256, 8}, {8, 256, 4},
                                   {32, 32, 32}, {32, 64, 16}, {32, 64, 8}, {32, 64, 4}};

/// Reads the first input and writes as much.
Work memory_traffic(const Tensors& inputs) { return {.bytes = 2.0 * static_cast<double>(inputs[0].nbytes())}; }

void add_convolution(const Shape& s, std::int64_t kernel) {
  const auto work = [=](const Tensors&) {
    return Work{.flops = 2.0 * s.images * s.size * s.size * s.channels * s.channels * kernel * kernel};
  };
  add(
      fmt::format("Convolution{0}x{0}/{1}x{2}x{3}", kernel, s.images, s.channels, s.size),
      [=](const Tensors& t) { return convolution(t[0], t[1], t[2], {.padding = kernel / 2}); },
      [=](at::ScalarType type) {
        return Tensors{activation({s.images, s.channels, s.size, s.size}, type),
                       at::randn({s.channels, s.channels, kernel, kernel}), at::randn({s.channels})};
      },
      work);
}

void add_group_norm(const Shape& s, double dropout) {
  const Tensor keys = at::arange(s.images, at::kLong);
  add(
      fmt::format("GroupNormSilu{}/{}x{}x{}", dropout > 0 ? "Dropout" : "", s.images, s.channels, s.size),
      [=](const Tensors& t) {
        return group_norm_silu(t[0], 32, t[1], t[2], {t[3], t[4]}, {.probability = dropout, .keys = keys});
      },
      [=](at::ScalarType type) {
        const auto rows = [&] { return at::randn({s.images, s.channels}).to(type); };
        return Tensors{activation({s.images, s.channels, s.size, s.size}, type), at::randn({s.channels}),
                       at::randn({s.channels}), rows(), rows()};
      },
      memory_traffic);
}

void add_attention(const Shape& s) {
  constexpr std::int64_t heads = 4;
  const std::int64_t length = s.size * s.size;
  const auto work = [=](const Tensors&) { return Work{.flops = 4.0 * s.images * s.channels * length * length}; };
  add(
      fmt::format("Attention/{}x{}x{}", s.images, s.channels, length),
      [](const Tensors& t) { return attention(t[0], heads, QkvOrder::heads_first); },
      [=](at::ScalarType type) {
        return Tensors{at::randn({s.images, length, 3 * s.channels}).to(type).transpose(1, 2)};
      },
      work);
}

void add_rearrangements(const Shape& s) {
  const auto make = [=](at::ScalarType type) {
    return Tensors{activation({s.images, s.channels, s.size, s.size}, type)};
  };
  const std::string shape = fmt::format("/{}x{}x{}", s.images, s.channels, s.size);
  add(
      "Silu" + shape, [](const Tensors& t) { return kernels::silu(t[0]); }, make, memory_traffic);
  add(
      "UpsampleNearest" + shape, [](const Tensors& t) { return upsample_nearest(t[0]); }, make, memory_traffic);
  add(
      "AveragePool" + shape, [](const Tensors& t) { return average_pool(t[0]); }, make, memory_traffic);
  add(
      "ConcatenateChannels" + shape, [](const Tensors& t) { return concatenate_channels(t[0], t[0]); }, make,
      memory_traffic);
}

void add_optimizer_step() {
  for (auto path : {KernelOptions::Path::automatic, KernelOptions::Path::reference}) {
    const auto body = [path](benchmark::State& state) {
      const KernelScope scope({.path = path});
      constexpr std::int64_t count = 8 << 20;
      Tensor parameter = at::randn({count}), exp_avg = at::zeros({count}), exp_avg_sq = at::zeros({count});
      const Tensor gradient = at::randn({count});
      EmaTarget averages[] = {{.average = parameter.clone()}};
      for ([[maybe_unused]] const auto& _ : state) adamw_step(parameter, gradient, exp_avg, exp_avg_sq, averages, {});
      constexpr std::int64_t arrays = 9;  // five read, four written
      state.SetBytesProcessed(state.iterations() * arrays * count * static_cast<std::int64_t>(sizeof(float)));
    };
    benchmark::RegisterBenchmark(path == KernelOptions::Path::automatic ? "AdamWStep/fast" : "AdamWStep/plain", body)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

/// The most multiply-adds in float32: a product of matrices that stay in the first caches, on every thread.
void peak_float32(benchmark::State& state) {
  constexpr std::int64_t size = 96, repetitions = 64;
  const int threads = parallel_threads();
  for ([[maybe_unused]] const auto& _ : state) {
    parallel_for(threads, [&](std::int64_t, std::int64_t) {
      alignas(64) float a[size * size] = {}, b[size * size] = {}, c[size * size];
      for (std::int64_t i = 0; i < repetitions; ++i) {
        multiply({a, size, 1}, {b, size}, {c, size}, {.rows = size, .columns = size, .depth = size}, false);
        benchmark::DoNotOptimize(c[0]);
      }
    });
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * size * size * size * repetitions * threads,
                                                benchmark::Counter::kIsIterationInvariantRate);
}

/// The most in bfloat16: the direct convolution, as Winograd's has fewer operations than are counted.
void peak_bfloat16(benchmark::State& state) {
  const KernelScope scope({.winograd = false});
  constexpr std::int64_t images = 8, channels = 256, size = 32;
  const at::NoGradGuard no_grad;
  const Tensor x = activation({images, channels, size, size}, at::kBFloat16),
               weight = at::randn({channels, channels, 3, 3});
  for ([[maybe_unused]] const auto& _ : state)
    benchmark::DoNotOptimize(convolution(x, weight, {}, {.padding = 1}).data_ptr());
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * images * size * size * channels * channels * 9,
                                                benchmark::Counter::kIsIterationInvariantRate);
}

/// Copies memory larger than the caches.
void peak_memory(benchmark::State& state) {
  constexpr std::int64_t count = 64 << 20;  // bytes
  const Tensor from = at::zeros({count}, at::kByte), to = at::zeros({count}, at::kByte);
  for ([[maybe_unused]] const auto& _ : state) {
    parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(to.data_ptr<std::uint8_t>() + begin, from.data_ptr<std::uint8_t>() + begin, end - begin);
    });
  }
  state.SetBytesProcessed(state.iterations() * 2 * count);
}

void register_all() {
  benchmark::RegisterBenchmark("Peak/float32", peak_float32)->UseRealTime();
  benchmark::RegisterBenchmark("Peak/bfloat16", peak_bfloat16)->UseRealTime();
  benchmark::RegisterBenchmark("Peak/memory", peak_memory)->UseRealTime();
  for (const Shape& shape : shapes) add_convolution(shape, 3);
  add_convolution({8, 256, 16}, 1);
  for (const Shape& shape : {shapes[0], shapes[1], shapes[4]}) {
    add_group_norm(shape, 0.0);
    add_group_norm(shape, 0.3);
  }
  for (const Shape& shape : {shapes[1], shapes[2], shapes[5], shapes[6]}) add_attention(shape);
  for (const Shape& shape : {shapes[1], shapes[4]}) add_rearrangements(shape);
  add_optimizer_step();
}

}  // namespace
}  // namespace iddpm::kernels

int main(int argc, char** argv) {
  iddpm::kernels::keep_freed_memory();
  iddpm::kernels::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
