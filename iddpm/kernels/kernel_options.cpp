#include "iddpm/kernels/kernel_options.h"

#include <cstdlib>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm::kernels {
namespace {

thread_local const KernelOptions* innermost_options = nullptr;

KernelOptions default_options() {
  const char* value = std::getenv("IDDPM_KERNELS");
  if (value == nullptr || std::string_view(value) == "automatic") return {};
  if (std::string_view(value) == "direct") return {.winograd = false};
  require(std::string_view(value) == "reference",
          "The environment variable IDDPM_KERNELS is \"{}\"; expected \"automatic\", \"direct\" or \"reference\".",
          value);
  return {.path = KernelOptions::Path::reference};
}

}  // namespace

const KernelOptions& kernel_options() {
  if (innermost_options != nullptr) return *innermost_options;
  static const KernelOptions defaults = default_options();
  return defaults;
}

KernelScope::KernelScope(KernelOptions options) : options_(options), outer_(innermost_options) {
  innermost_options = &options_;
}

KernelScope::~KernelScope() { innermost_options = outer_; }

}  // namespace iddpm::kernels
