#include "iddpm/io/zip_records.h"

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm::zip_records {
namespace {

constexpr std::uint16_t version_with_64_bit_sizes = 45;
constexpr std::uint16_t flag_name_is_utf8 = 1 << 11;
constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t midnight = 0;
constexpr std::uint16_t first_of_january_1980 = 1 << 5 | 1;
constexpr std::uint32_t see_extra_field = 0xffffffff;
constexpr std::uint16_t extra_64_bit_sizes = 1;

/// The bytes of integers, least significant first, one after the other.
template <typename... Integers>
std::string bytes(Integers... values) {
  std::string bytes;
  const auto append = [&](auto value) {
    for (std::size_t i = 0; i < sizeof(value); ++i) {
      bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    }
  };
  (append(values), ...);
  return bytes;
}

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

}  // namespace

std::string little_endian(std::uint32_t value) { return bytes(value); }

std::string local_header(const Entry& entry) {
  require(!entry.name.empty() && entry.name.size() <= 0xffff, "a zip entry can't be named {}", quote(entry.name));
  const std::string extra = bytes(extra_64_bit_sizes, U16{16}, entry.size, entry.size);
  std::string text = "PK\x03\x04";
  text += bytes(version_with_64_bit_sizes, flag_name_is_utf8, method_stored, midnight, first_of_january_1980,
                entry.checksum, see_extra_field, see_extra_field, static_cast<U16>(entry.name.size()),
                static_cast<U16>(extra.size()));
  return text + entry.name + extra;
}

std::string directory(const std::vector<Entry>& entries, std::uint64_t position) {
  std::string text;
  for (const Entry& entry : entries) {
    const std::string extra = bytes(extra_64_bit_sizes, U16{24}, entry.size, entry.size, entry.offset);
    const U16 comment_size = 0;
    const U16 disk = 0;
    const U16 internal_attributes = 0;
    const U32 external_attributes = 0;
    text += "PK\x01\x02";
    text += bytes(version_with_64_bit_sizes, version_with_64_bit_sizes, flag_name_is_utf8, method_stored, midnight,
                  first_of_january_1980, entry.checksum, see_extra_field, see_extra_field,
                  static_cast<U16>(entry.name.size()), static_cast<U16>(extra.size()), comment_size, disk,
                  internal_attributes, external_attributes, see_extra_field);
    text += entry.name + extra;
  }
  const U64 end = position + text.size();
  const U64 count = entries.size();
  const U64 rest_of_record = 44;
  const U32 disk = 0;
  const U32 disks = 1;
  text += "PK\x06\x06";
  text += bytes(rest_of_record, version_with_64_bit_sizes, version_with_64_bit_sizes, disk, disk, count, count,
                end - position, position);
  text += "PK\x06\x07";
  text += bytes(disk, end, disks);
  text += "PK\x05\x06";
  text += bytes(U16{0}, U16{0}, U16{0xffff}, U16{0xffff}, see_extra_field, see_extra_field, U16{0});
  return text;
}

}  // namespace iddpm::zip_records
