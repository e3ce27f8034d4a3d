#include "cli/options/compute_options.h"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <thread>

#include "cli/options/values.h"
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

void check_device_name(const std::string& name) {
  const bool numbered = name.starts_with("cuda:") && unsigned_number(name.substr(5)).value_or(128) < 128;
  require(numbered || name == "auto" || name == "cpu" || name == "cuda", "expected auto, cpu, cuda or cuda:N, got '{}'",
          name);
}

}  // namespace

void add_device_options(CLI::App& verb, ComputeOptions& options) {
  verb.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")
      ->check(understood_by(check_device_name))
      ->group("Computing");
  verb.add_option("--threads", options.threads, "Threads, of all pools together (default: one per core)")
      ->check(between(std::int64_t{1}, std::int64_t{1024}))
      ->group("Computing");
}

void add_compute_options(CLI::App& verb, ComputeOptions& options) {
  add_device_options(verb, options);
  verb.add_option("--precision", options.precision, "auto (bfloat16 where the processor has it), float32 or bfloat16")
      ->check(one_of({"auto", "float32", "bfloat16"}))
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
