#pragma once

#include <string>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Type of the activations; parameters, optimiser and averages stay in float32.
enum class Precision { float32, bfloat16 };

/// "float32", "bfloat16". The parser throws Error listing the names there are.
std::string name(Precision precision);
Precision parse_precision(const std::string& name);
at::ScalarType scalar_type(Precision precision);

/// CUDA where LibTorch has it, else the CPU.
at::Device default_device();
/// "auto" (the default one), "cpu", "cuda" or "cuda:1". Throws Error for any other name and a device that isn't there.
at::Device parse_device(const std::string& name);
/// bfloat16 where the device computes in it (every GPU, processors with AVX-512 BF16), else float32.
Precision default_precision(at::Device device);

}  // namespace iddpm
