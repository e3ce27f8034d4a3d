#include "iddpm/io/tensor_bytes.h"

#include <algorithm>
#include <bit>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"

namespace iddpm {

static_assert(std::endian::native == std::endian::little,
              "tensors are copied from and to little-endian files as they are");

std::optional<std::uint64_t> byte_count(const std::vector<std::int64_t>& shape, at::ScalarType type) {
  if (shape.size() > most_dimensions) return std::nullopt;
  auto bytes = static_cast<std::int64_t>(at::elementSize(type));
  bool is_empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes)) return std::nullopt;
    is_empty = is_empty || size == 0;
  }
  return is_empty ? 0 : static_cast<std::uint64_t>(bytes);
}

std::span<std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

Tensor tensor_from_file(const std::vector<std::int64_t>& shape, at::ScalarType type,
                        const std::function<void(std::span<std::byte>)>& read) {
  // A bool in memory may only be 0 or 1; a byte in a file may be anything.
  const bool is_bool = type == at::kBool;
  require_memory(byte_count(shape, type).value_or(UINT64_MAX), "a tensor of shape " + format_shape(shape));
  const Tensor tensor = at::empty(shape, at::TensorOptions(is_bool ? at::kByte : type));
  read(bytes_of(tensor));
  return is_bool ? tensor.to(at::kBool) : tensor;
}

}  // namespace iddpm
