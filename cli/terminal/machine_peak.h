#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm::cli {

/// The most floating-point operations per second that this machine was seen to reach with the threads in force, in a
/// large dense 3x3 convolution of the type given.
double measured_peak_flops(at::ScalarType type, at::Device device);

}  // namespace iddpm::cli
