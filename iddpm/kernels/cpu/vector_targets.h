#pragma once

// Included before hwy/foreach_target.h. The instruction sets that the vector kernels are compiled for: the portable
// baseline, AVX2 and AVX-512 on x86 (neither what lies between nor AVX-512's extensions, the bits below it, bring
// enough to be worth their compile time), and the best of other processors whose vectors have a fixed length, so that
// they can be kept in arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | (HWY_AVX3 - 1) | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
