#include "cli/options/compute_options.h"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

// oneDNN emulates bfloat16 on processors without its instructions, slower than float32.
bool computes_in_bfloat16(const at::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

void add_compute_options(CLI::App& verb, ComputeOptions& options) {
  verb.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->group("Computing");
  verb.add_option("--threads", options.threads, "Threads, of all pools together (default: one per core)")
      ->check(CLI::Range(1, 1024))
      ->group("Computing");
  verb.add_option("--precision", options.precision, "auto (bfloat16 where the processor has it), float32 or bfloat16")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}))
      ->group("Computing");
}

at::Device chosen_device(const ComputeOptions& options) {
  if (options.device == "auto") return at::Device(at::hasCUDA() ? "cuda" : "cpu");
  try {
    const at::Device device(options.device);
    require(device.is_cpu() || (device.is_cuda() && at::hasCUDA()),
            "--device: '{}' can't be used with this LibTorch; expected cpu{}", options.device,
            at::hasCUDA() ? " or cuda" : "");
    return device;
  } catch (const c10::Error&) {
    fail("--device: expected auto, cpu, cuda or cuda:N, got '{}'", options.device);
  }
}

Precision chosen_precision(const ComputeOptions& options) {
  if (options.precision == "float32") return Precision::float32;
  if (options.precision == "bfloat16") return Precision::bfloat16;
  return computes_in_bfloat16(chosen_device(options)) ? Precision::bfloat16 : Precision::float32;
}

at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
}

void apply_threads(const ComputeOptions& options) {
  // One pool serves LibTorch, oneDNN and our kernels: OpenMP's. LibTorch's own guess counts cores that share a package
  // as one on some virtual machines.
  const auto available = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  at::set_num_threads(options.threads > 0 ? options.threads : available);
}

}  // namespace iddpm::cli
