// Every operation of the networks, forward and with its backward pass, by the fast and the plain path, beside the
// machine's peaks. Shapes are those of two networks: the paper's CIFAR-10 network at batch 8, and a small one (32
// channels) at batch 32. OMP_NUM_THREADS chooses the threads.

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

#include "benchmarks/machine_peaks.h"
#include "iddpm/kernels/cpu/memory_policy.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operations.h"
#include "iddpm/kernels/optimizer_step.h"

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

/// Repeats `body`, of which one run does `work`, and shows what was done a second and which part of the machine's peak
/// that is. Winograd's convolutions do fewer operations than are counted, and what fits the caches moves faster than
/// memory: both may exceed the peak.
template <typename Body>
void measure(benchmark::State& state, const Work& work, at::ScalarType type, const MachinePeaks& peaks,
             const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  for ([[maybe_unused]] const auto& _ : state) body();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto show = [&](double amount, double peak) {
    state.counters["percent_of_peak"] = 100 * amount * static_cast<double>(state.iterations()) / seconds / peak;
  };
  if (work.flops > 0) {
    state.counters["FLOP/s"] = benchmark::Counter(work.flops, benchmark::Counter::kIsIterationInvariantRate);
    show(work.flops, type == at::kFloat ? peaks.float32_flops : peaks.bfloat16_flops);
  }
  if (work.bytes > 0) {
    state.SetBytesProcessed(static_cast<std::int64_t>(work.bytes * static_cast<double>(state.iterations())));
    show(work.bytes, peaks.memory_bytes);
  }
}

void run(benchmark::State& state, const Operation& operation, Tensors inputs, const Setting& setting, const Work& work,
         const MachinePeaks& peaks) {
  const KernelScope scope({.path = setting.path});
  const bool training = setting.pass == Pass::training;
  const at::AutoGradMode gradients(training);
  Tensor direction;
  if (training) {
    for (Tensor& input : inputs) input.requires_grad_(at::isFloatingType(input.scalar_type()));
    direction = at::randn_like(operation(inputs));
  }
  // Backward costs about twice the forward pass: the gradients of both factors of a product, or two more passes over
  // memory.
  const double factor = training ? 3 : 1;
  measure(state, {.flops = factor * work.flops, .bytes = factor * work.bytes}, setting.type, peaks, [&] {
    const Tensor y = operation(inputs);
    if (training) y.backward(direction);
    benchmark::DoNotOptimize(y.data_ptr());
  });
}

/// Registers an operation in both types, by both paths, forward and in training. `make_inputs` takes the activations'
/// type.
void add(const MachinePeaks& peaks, const std::string& name, const Operation& operation,
         const std::function<Tensors(at::ScalarType)>& make_inputs, const std::function<Work(const Tensors&)>& work) {
  for (auto type : {at::kFloat, at::kBFloat16}) {
    for (auto path : {KernelOptions::Path::automatic, KernelOptions::Path::reference}) {
      for (auto pass : {Pass::forward, Pass::training}) {
        const Setting setting{type, path, pass};
        const auto body = [=](benchmark::State& state) {
          const Tensors inputs = make_inputs(type);
          run(state, operation, inputs, setting, work(inputs), peaks);
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

void add_convolution(const MachinePeaks& peaks, const Shape& s, std::int64_t kernel) {
  const auto work = [=](const Tensors&) {
    return Work{.flops = 2.0 * s.images * s.size * s.size * s.channels * s.channels * kernel * kernel};
  };
  add(
      peaks, fmt::format("Convolution{0}x{0}/{1}x{2}x{3}", kernel, s.images, s.channels, s.size),
      [=](const Tensors& t) { return convolution(t[0], t[1], t[2], {.padding = kernel / 2}); },
      [=](at::ScalarType type) {
        return Tensors{activation({s.images, s.channels, s.size, s.size}, type),
                       at::randn({s.channels, s.channels, kernel, kernel}), at::randn({s.channels})};
      },
      work);
}

void add_group_norm(const MachinePeaks& peaks, const Shape& s, double dropout) {
  const Tensor keys = at::arange(s.images, at::kLong);
  add(
      peaks, fmt::format("GroupNormSilu{}/{}x{}x{}", dropout > 0 ? "Dropout" : "", s.images, s.channels, s.size),
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

void add_attention(const MachinePeaks& peaks, const Shape& s) {
  constexpr std::int64_t heads = 4;
  const std::int64_t length = s.size * s.size;
  const auto work = [=](const Tensors&) { return Work{.flops = 4.0 * s.images * s.channels * length * length}; };
  add(
      peaks, fmt::format("Attention/{}x{}x{}", s.images, s.channels, length),
      [](const Tensors& t) { return attention(t[0], heads, QkvOrder::heads_first); },
      [=](at::ScalarType type) {
        return Tensors{at::randn({s.images, length, 3 * s.channels}).to(type).transpose(1, 2)};
      },
      work);
}

void add_rearrangements(const MachinePeaks& peaks, const Shape& s) {
  const auto make = [=](at::ScalarType type) {
    return Tensors{activation({s.images, s.channels, s.size, s.size}, type)};
  };
  const std::string shape = fmt::format("/{}x{}x{}", s.images, s.channels, s.size);
  add(
      peaks, "Silu" + shape, [](const Tensors& t) { return kernels::silu(t[0]); }, make, memory_traffic);
  add(
      peaks, "UpsampleNearest" + shape, [](const Tensors& t) { return upsample_nearest(t[0]); }, make, memory_traffic);
  add(
      peaks, "AveragePool" + shape, [](const Tensors& t) { return average_pool(t[0]); }, make, memory_traffic);
  add(
      peaks, "ConcatenateChannels" + shape, [](const Tensors& t) { return concatenate_channels(t[0], t[0]); }, make,
      memory_traffic);
}

void add_optimizer_step(const MachinePeaks& peaks) {
  for (auto path : {KernelOptions::Path::automatic, KernelOptions::Path::reference}) {
    const auto body = [=](benchmark::State& state) {
      const KernelScope scope({.path = path});
      constexpr std::int64_t elements = 8 << 20;
      Tensor parameter = at::randn({elements}), exp_avg = at::zeros({elements}), exp_avg_sq = at::zeros({elements});
      const Tensor gradient = at::randn({elements});
      EmaTarget averages[] = {{.average = parameter.clone()}};
      constexpr std::int64_t arrays = 9;  // five read, four written
      measure(state, {.bytes = static_cast<double>(arrays * elements * sizeof(float))}, at::kFloat, peaks,
              [&] { adamw_step(parameter, gradient, exp_avg, exp_avg_sq, averages, {}); });
    };
    benchmark::RegisterBenchmark(path == KernelOptions::Path::automatic ? "AdamWStep/fast" : "AdamWStep/plain", body)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

void register_all(const MachinePeaks& peaks) {
  for (const Shape& shape : shapes) add_convolution(peaks, shape, 3);
  add_convolution(peaks, {8, 256, 16}, 1);
  for (const Shape& shape : {shapes[0], shapes[1], shapes[4]}) {
    add_group_norm(peaks, shape, 0.0);
    add_group_norm(peaks, shape, 0.3);
  }
  for (const Shape& shape : {shapes[1], shapes[2], shapes[5], shapes[6]}) add_attention(peaks, shape);
  for (const Shape& shape : {shapes[1], shapes[4]}) add_rearrangements(peaks, shape);
  add_optimizer_step(peaks);
}

}  // namespace
}  // namespace iddpm::kernels

int main(int argc, char** argv) {
  iddpm::kernels::keep_freed_memory();
  benchmark::Initialize(&argc, argv);
  const iddpm::kernels::MachinePeaks peaks = iddpm::kernels::measure_peaks();
  iddpm::kernels::register_all(peaks);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  benchmark::AddCustomContext(
      "peaks measured", fmt::format("{:.0f} GFLOP/s in float32, {:.0f} GFLOP/s in bfloat16, {:.1f} GB/s of memory",
                                    peaks.float32_flops / 1e9, peaks.bfloat16_flops / 1e9, peaks.memory_bytes / 1e9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
