#include "cli/options/compute_options.h"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/available_threads.h"

namespace iddpm::cli {
namespace {

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
  verb.add_option("--threads", options.threads,
                  "Threads, of all pools together (default: OMP_NUM_THREADS, or one per core that may be used)")
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
  try {
    return parse_device(options.device);
  } catch (const Error& error) {
    fail(error.kind(), "--{}", error.what());
  }
}

Precision chosen_precision(const ComputeOptions& options) {
  return options.precision == "auto" ? default_precision(chosen_device(options)) : parse_precision(options.precision);
}

int chosen_threads(const ComputeOptions& options) {
  if (options.threads > 0) return options.threads;
  // A number in the environment is meant for each process.
  const bool told = std::getenv("OMP_NUM_THREADS") != nullptr;
  return std::max(1, kernels::available_threads() / (told ? 1 : options.sharing));
}

void apply_threads(const ComputeOptions& options) {
  // One pool serves LibTorch, oneDNN and our kernels: OpenMP's. LibTorch's own guess counts cores that share a package
  // as one on some virtual machines.
  at::set_num_threads(chosen_threads(options));
}

}  // namespace iddpm::cli
