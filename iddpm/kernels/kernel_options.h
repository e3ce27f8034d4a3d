#pragma once

/// Which implementation of the operations runs.
namespace iddpm::kernels {

struct KernelOptions {
  enum class Path {
    automatic,  ///< the fastest implementation for the tensors at hand
    reference,  ///< always the plain one
  };
  Path path = Path::automatic;
  bool winograd =
      true;  ///< allow Winograd for float32 3 x 3 convolutions (fewer multiplications, slightly larger rounding)
};

/// The options in force in this thread: those of the innermost KernelScope, else the defaults. The environment variable
/// IDDPM_KERNELS, read once, changes the defaults: "reference" (the plain path), "direct" (without Winograd) or
/// "automatic".
const KernelOptions& kernel_options();

/// Sets the options of this thread's operations for as long as it lives. What backward passes use is decided by their
/// forward.
class KernelScope {
 public:
  explicit KernelScope(KernelOptions options);
  ~KernelScope();
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  KernelOptions options_;
  const KernelOptions* outer_;
};

}  // namespace iddpm::kernels
