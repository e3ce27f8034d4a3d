#include "iddpm/kernels/cpu/gemm.h"

#include "iddpm/kernels/cpu/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "iddpm/kernels/cpu/gemm.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "iddpm/kernels/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace iddpm::kernels::HWY_NAMESPACE {

void multiply_matrices(LeftMatrix a, RightMatrix b, OutMatrix c, ProductExtents extents, bool accumulate) {
  multiply(a, b, c, extents.rows, extents.columns, extents.depth, accumulate);
}

}  // namespace iddpm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace iddpm::kernels {

HWY_EXPORT(multiply_matrices);

void multiply(LeftMatrix a, RightMatrix b, OutMatrix c, ProductExtents extents, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(multiply_matrices)(a, b, c, extents, accumulate);
}

}  // namespace iddpm::kernels
#endif
