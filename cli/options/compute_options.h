#pragma once

#include <CLI/App.hpp>
#include <string>

#include "iddpm/core/tensor.h"
#include "iddpm/training/trainer.h"

namespace iddpm::cli {

/// Where and how a verb computes: --device, --threads, --precision.
struct ComputeOptions {
  std::string device = "auto";
  int threads = 0;
  std::string precision = "auto";
};

void add_compute_options(CLI::App& verb, ComputeOptions& options);
/// Without --precision.
void add_device_options(CLI::App& verb, ComputeOptions& options);

/// "auto": CUDA where LibTorch has it, else the CPU. Throws Error for a device that isn't there.
at::Device chosen_device(const ComputeOptions& options);
/// "auto": bfloat16 where the processor or GPU computes in it, else float32.
Precision chosen_precision(const ComputeOptions& options);
at::ScalarType scalar_type(Precision precision);
/// Sets the number of threads of every pool: LibTorch's, OpenMP's, oneDNN's.
void apply_threads(const ComputeOptions& options);

}  // namespace iddpm::cli
