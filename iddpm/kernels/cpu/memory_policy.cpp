#include "iddpm/kernels/cpu/memory_policy.h"

#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace iddpm::kernels {

bool keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int never_map = 0, never_trim = -1, growth = 64 << 20;  // growth in bytes
  return mallopt(M_MMAP_MAX, never_map) == 1 && mallopt(M_TRIM_THRESHOLD, never_trim) == 1 &&
         mallopt(M_TOP_PAD, growth) == 1;
#else
  return false;
#endif
}

}  // namespace iddpm::kernels
