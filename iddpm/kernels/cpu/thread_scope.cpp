#include "iddpm/kernels/cpu/thread_scope.h"

#include <ATen/Parallel.h>
#include <omp.h>

#include "iddpm/kernels/cpu/available_threads.h"

namespace iddpm::kernels {

ThreadScope::ThreadScope(int threads) {
  (void)at::get_num_threads();  // LibTorch sets a thread's number when it is first asked, which must not come later
  before_ = omp_get_max_threads();
  omp_set_num_threads(threads > 0 ? threads : available_threads());
}

ThreadScope::~ThreadScope() { omp_set_num_threads(before_); }

}  // namespace iddpm::kernels
