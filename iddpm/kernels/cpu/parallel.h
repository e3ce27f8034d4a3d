#pragma once

#include <cstdint>
#include <type_traits>

/// Threads for the fast kernels: LibTorch's own pool (OpenMP), so that one setting governs both and they never add up.
namespace iddpm::kernels {

/// Calls `function(context, begin, end)` on disjoint ranges that cover [0, count), one per thread. Must not throw.
void parallel_ranges(std::int64_t count, void (*function)(void*, std::int64_t, std::int64_t), void* context);

/// The number of ranges that parallel_ranges splits a large count into.
int parallel_threads();

/// body(begin, end) on disjoint ranges that cover [0, count), one per thread. Must not throw.
template <typename Body>
void parallel_for(std::int64_t count, Body&& body) {
  using Type = std::remove_reference_t<Body>;
  parallel_ranges(
      count, [](void* context, std::int64_t begin, std::int64_t end) { (*static_cast<Type*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace iddpm::kernels
