#include "iddpm/kernels/kernel_options.h"

#include <cstdlib>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm::kernels {
namespace {

thread_local const KernelOptions* innermost = nullptr;

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
  if (innermost != nullptr) return *innermost;
  static const KernelOptions defaults = default_options();
  return defaults;
}

KernelScope::KernelScope(KernelOptions options) : options_(options), outer_(innermost) { innermost = &options_; }

KernelScope::~KernelScope() { innermost = outer_; }

}  // namespace iddpm::kernels
