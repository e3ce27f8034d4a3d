#include "iddpm/kernels/cpu/parallel.h"

#include <omp.h>

#include <algorithm>

namespace iddpm::kernels {

int parallel_threads() { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

void parallel_ranges(std::int64_t count, void (*function)(void*, std::int64_t, std::int64_t), void* context) {
  const auto threads = static_cast<int>(std::min<std::int64_t>(count, parallel_threads()));
  if (threads <= 1) {
    if (count > 0) function(context, 0, count);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t index = omp_get_thread_num(), size = omp_get_num_threads();
    function(context, count * index / size, count * (index + 1) / size);
  }
}

}  // namespace iddpm::kernels
