#include "cli/terminal/machine_peak.h"

#include <chrono>

namespace iddpm::cli {

double measured_peak_flops(at::ScalarType type, at::Device device) {
  constexpr std::int64_t batch = 8, channels = 256, size = 32;
  constexpr double flops = 2.0 * batch * channels * channels * 9 * size * size;
  constexpr int repetitions = 12;
  const at::NoGradGuard no_gradient;
  const auto options = at::TensorOptions().dtype(type).device(device);
  const Tensor x = at::ones({batch, channels, size, size}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor weight = at::ones({channels, channels, 3, 3}, options).contiguous(at::MemoryFormat::ChannelsLast);
  double best = 0;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Tensor y = at::conv2d(x, weight, {}, 1, 1);
    // Reading one value waits for the device.
    (void)y[0][0][0][0].to(at::kFloat).item<float>();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, flops / seconds);
  }
  return best;
}

}  // namespace iddpm::cli
