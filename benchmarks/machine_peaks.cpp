#include "benchmarks/machine_peaks.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>

#include "iddpm/kernels/cpu/gemm.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operations.h"

namespace iddpm::kernels {
namespace {

/// The best rate of several runs of `work`, whose amount is given.
template <typename Work>
double best_rate(double amount, const Work& work) {
  constexpr int runs = 12;
  double best = 0;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::max(best, amount / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

double float32_flops() {
  constexpr std::int64_t size = 96, products = 1024;
  const int threads = parallel_threads();
  return best_rate(2.0 * size * size * size * products * threads, [&] {
    parallel_for(threads, [&](std::int64_t, std::int64_t) {
      alignas(64) float a[size * size] = {}, b[size * size] = {}, c[size * size];
      for (std::int64_t i = 0; i < products; ++i) {
        multiply({a, size, 1}, {b, size}, {c, size}, {.rows = size, .columns = size, .depth = size}, false);
        benchmark::DoNotOptimize(c[0]);
      }
    });
  });
}

double bfloat16_flops() {
  const KernelScope scope({.winograd = false});  // which has fewer operations than are counted
  constexpr std::int64_t images = 8, channels = 256, size = 32;
  const at::NoGradGuard no_grad;
  const Tensor x =
      at::randn({images, channels, size, size}).to(at::kBFloat16, false, false, at::MemoryFormat::ChannelsLast);
  const Tensor weight = at::randn({channels, channels, 3, 3});
  return best_rate(2.0 * images * size * size * channels * channels * 9,
                   [&] { benchmark::DoNotOptimize(convolution(x, weight, {}, {.padding = 1}).data_ptr()); });
}

double memory_bytes() {
  constexpr std::int64_t count = 64 << 20;
  const Tensor from = at::zeros({count}, at::kByte), to = at::zeros({count}, at::kByte);
  return best_rate(2.0 * count, [&] {
    parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(to.data_ptr<std::uint8_t>() + begin, from.data_ptr<std::uint8_t>() + begin, end - begin);
    });
  });
}

}  // namespace

MachinePeaks measure_peaks() {
  return {.float32_flops = float32_flops(), .bfloat16_flops = bfloat16_flops(), .memory_bytes = memory_bytes()};
}

}  // namespace iddpm::kernels
