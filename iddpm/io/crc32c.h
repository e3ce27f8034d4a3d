#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace iddpm {

/// CRC-32C (Castagnoli polynomial, as in iSCSI, RFC 3720 appendix B.4) of `bytes`; `previous` goes on from an earlier
/// result, so that crc32c(b, crc32c(a)) is that of a followed by b.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

}  // namespace iddpm
