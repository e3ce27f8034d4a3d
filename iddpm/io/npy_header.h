#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// What precedes an array's data in NumPy's .npy format (numpy.lib.format, versions 1 to 3).
struct NpyHeader {
  at::ScalarType type = at::kFloat;
  /// Unsigned integers of 2, 4 or 8 bytes, for which tensors have no type: stored as the signed `type` of this size.
  bool is_unsigned = false;
  bool is_fortran_order = false;
  std::vector<std::int64_t> shape = {};
};

/// Reads the header by calling `read(count)` for its parts. Throws Error beginning with `name` if it is none, or of a
/// type that tensors don't have.
NpyHeader read_npy_header(const std::function<std::string(std::uint64_t)>& read, const std::string& name);

/// The bytes that precede the data of a C-ordered array. Throws Error beginning with `name` if NumPy has no such type.
std::string npy_header(at::ScalarType type, const std::vector<std::int64_t>& shape, const std::string& name);

}  // namespace iddpm
