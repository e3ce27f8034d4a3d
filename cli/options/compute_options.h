#pragma once

#include <CLI/App.hpp>
#include <string>

#include "iddpm/model/compute.h"

namespace iddpm::cli {

/// Where and how a verb computes: --device, --threads, --precision.
struct ComputeOptions {
  std::string device = "auto";
  int threads = 0;
  int sharing = 1;  ///< processes that share this machine's cores
  std::string precision = "auto";
};

void add_compute_options(CLI::App& verb, ComputeOptions& options);
/// Without --precision.
void add_device_options(CLI::App& verb, ComputeOptions& options);

/// Throws Error for a device that isn't there.
at::Device chosen_device(const ComputeOptions& options);
/// "auto": that of the device.
Precision chosen_precision(const ComputeOptions& options);
/// The threads that were asked for, or this process's share of the cores.
int chosen_threads(const ComputeOptions& options);
/// Sets the number of threads of every pool: LibTorch's, OpenMP's, oneDNN's.
void apply_threads(const ComputeOptions& options);

}  // namespace iddpm::cli
