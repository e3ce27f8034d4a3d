#include "iddpm/io/zip_writer.h"

#include <zlib.h>

#include <type_traits>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

// Field values of the format's records (PKWARE's APPNOTE.TXT, sections 4.3 and 4.5).
constexpr std::uint16_t version_with_64_bit_sizes = 45;
constexpr std::uint16_t flag_name_is_utf8 = 1 << 11;
constexpr std::uint16_t method_stored = 0;
constexpr std::uint16_t midnight = 0;
constexpr std::uint16_t first_of_january_1980 = 1 << 5 | 1;
constexpr std::uint32_t see_extra_field = 0xffffffff;
constexpr std::uint16_t extra_64_bit_sizes = 1;

/// The bytes of integers, least significant first, one after the other.
template <typename... Integers>
std::string little_endian(Integers... values) {
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

ZipWriter::ZipWriter(std::filesystem::path path) : file_(std::move(path)) {}

void ZipWriter::write(const std::string& text) {
  file_.write(text);
  position_ += text.size();
}

void ZipWriter::add(const std::string& name, const std::vector<std::span<const std::byte>>& parts) {
  require(!name.empty() && name.size() <= 0xffff, "a zip entry can't be named {}", quote(name));
  Entry entry = {.name = name, .offset = position_};
  uLong checksum = crc32(0, nullptr, 0);
  for (const auto part : parts) {
    if (part.empty()) continue;  // zlib takes a null pointer for a wish to begin anew
    checksum = crc32_z(checksum, reinterpret_cast<const Bytef*>(part.data()), part.size());
    entry.size += part.size();
  }
  entry.checksum = static_cast<U32>(checksum);

  const std::string extra = little_endian(extra_64_bit_sizes, U16{16}, entry.size, entry.size);
  write("PK\x03\x04" +
        little_endian(version_with_64_bit_sizes, flag_name_is_utf8, method_stored, midnight, first_of_january_1980,
                      entry.checksum, see_extra_field, see_extra_field, static_cast<U16>(name.size()),
                      static_cast<U16>(extra.size())) +
        name + extra);
  for (const auto part : parts) file_.write(part);
  position_ += entry.size;
  entries_.push_back(std::move(entry));
}

void ZipWriter::commit() {
  const U64 directory = position_;
  for (const Entry& entry : entries_) {
    const std::string extra = little_endian(extra_64_bit_sizes, U16{24}, entry.size, entry.size, entry.offset);
    const U16 comment_size = 0;
    const U16 disk = 0;
    const U16 internal_attributes = 0;
    const U32 external_attributes = 0;
    write("PK\x01\x02" +
          little_endian(version_with_64_bit_sizes, version_with_64_bit_sizes, flag_name_is_utf8, method_stored,
                        midnight, first_of_january_1980, entry.checksum, see_extra_field, see_extra_field,
                        static_cast<U16>(entry.name.size()), static_cast<U16>(extra.size()), comment_size, disk,
                        internal_attributes, external_attributes, see_extra_field) +
          entry.name + extra);
  }
  const U64 end = position_;
  const U64 count = entries_.size();
  const U64 rest_of_record = 44;
  const U32 disk = 0;
  const U32 disks = 1;
  write("PK\x06\x06" + little_endian(rest_of_record, version_with_64_bit_sizes, version_with_64_bit_sizes, disk, disk,
                                     count, count, end - directory, directory));
  write("PK\x06\x07" + little_endian(disk, end, disks));
  write("PK\x05\x06" +
        little_endian(U16{0}, U16{0}, U16{0xffff}, U16{0xffff}, see_extra_field, see_extra_field, U16{0}));
  file_.commit();
}

}  // namespace iddpm
