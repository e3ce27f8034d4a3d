#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The records of a zip archive of stored entries with 64-bit sizes (PKWARE's APPNOTE.TXT, sections 4.3 and 4.5), for
/// those who write one. No time is recorded.
namespace iddpm::zip_records {

struct Entry {
  std::string name = {};
  std::uint64_t offset = 0;  ///< of its local header
  std::uint64_t size = 0;
  std::uint32_t checksum = 0;  ///< CRC-32
};

/// Where the checksum stands in a local header, 4 bytes with the least first.
inline constexpr std::uint64_t checksum_offset = 14;

/// What precedes an entry's contents. Throws Error for a name that can't be one.
std::string local_header(const Entry& entry);
/// What follows the last entry, beginning at `position`.
std::string directory(const std::vector<Entry>& entries, std::uint64_t position);

/// An integer of 4 bytes, the least first.
std::string little_endian(std::uint32_t value);

}  // namespace iddpm::zip_records
