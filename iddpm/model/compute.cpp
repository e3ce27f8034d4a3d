#include "iddpm/model/compute.h"

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm {

std::string name(Precision precision) { return precision == Precision::float32 ? "float32" : "bfloat16"; }

Precision parse_precision(const std::string& name) {
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  fail("precision: expected one of float32, bfloat16, got {}", quote(name));
}

at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
}

at::Device default_device() { return at::Device(at::hasCUDA() ? "cuda" : "cpu"); }

at::Device parse_device(const std::string& name) {
  if (name == "auto") return default_device();
  try {
    const at::Device device(name);
    require(device.is_cpu() || (device.is_cuda() && at::hasCUDA()), ErrorKind::unsupported,
            "device: '{}' can't be used with this LibTorch; expected cpu{}", name, at::hasCUDA() ? " or cuda" : "");
    return device;
  } catch (const c10::Error&) {
    fail("device: expected auto, cpu, cuda or cuda:N, got '{}'", name);
  }
}

Precision default_precision(at::Device device) {
  if (device.is_cuda()) return Precision::bfloat16;
#if defined(__x86_64__)
  // oneDNN emulates bfloat16 on processors without its instructions, slower than float32.
  return __builtin_cpu_supports("avx512bf16") != 0 ? Precision::bfloat16 : Precision::float32;
#else
  return Precision::float32;
#endif
}

}  // namespace iddpm
