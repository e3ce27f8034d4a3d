#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

constexpr std::size_t most_dimensions = 32;

/// Bytes of a dense tensor, or nothing if they don't fit 63 bits or there are more than `most_dimensions`. Empty
/// tensors are held to the same bound with 1 for each 0, since their strides are products of the other sizes.
std::optional<std::uint64_t> byte_count(const std::vector<std::int64_t>& shape, at::ScalarType type);

/// The memory of a contiguous tensor on the CPU.
std::span<std::byte> bytes_of(const Tensor& tensor);

/// A tensor whose memory is filled by `read` from a file. Throws Error if it is larger than the memory limit.
Tensor tensor_from_file(const std::vector<std::int64_t>& shape, at::ScalarType type,
                        const std::function<void(std::span<std::byte>)>& read);

}  // namespace iddpm
