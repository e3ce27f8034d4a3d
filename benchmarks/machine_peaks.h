#pragma once

namespace iddpm::kernels {

/// The most that this machine was seen to do with the threads in force.
struct MachinePeaks {
  double float32_flops;   ///< a second, in products of matrices that stay in the first caches
  double bfloat16_flops;  ///< a second, in a large direct convolution
  double memory_bytes;    ///< a second, read and written by a copy larger than the caches
};

/// Takes about a second.
MachinePeaks measure_peaks();

}  // namespace iddpm::kernels
