#include "iddpm/io/stored_entry.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t end_size = 22, longest_comment = 0xFFFF, zip64_locator_size = 20, zip64_end_size = 56;
constexpr std::uint64_t directory_header_size = 46, local_header_size = 30;
constexpr std::uint64_t in_extension_32 = 0xFFFFFFFF;  // the number itself stands in the zip64 extension

/// Numbers with the least byte first; what lies beyond the end is damage.
class LittleEndian {
 public:
  LittleEndian(std::string bytes, const InputFile& file) : bytes_(std::move(bytes)), file_(file) {}
  std::uint64_t number(std::uint64_t offset, std::uint64_t size) const {
    check(offset, size);
    std::uint64_t value = 0;
    for (std::uint64_t i = size; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes_[offset + i - 1]);
    return value;
  }
  std::string text(std::uint64_t offset, std::uint64_t size) const {
    check(offset, size);
    return bytes_.substr(offset, size);
  }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  void check(std::uint64_t offset, std::uint64_t size) const {
    require(offset <= bytes_.size() && size <= bytes_.size() - offset, ErrorKind::damaged_file,
            "{} is a broken zip archive: its directory is cut", file_.path().string());
  }
  std::string bytes_;
  const InputFile& file_;
};

LittleEndian read_part(const InputFile& file, std::uint64_t offset, std::uint64_t size) {
  require(offset <= file.size() && size <= file.size() - offset, ErrorKind::damaged_file,
          "{} is a broken zip archive: a part at byte {} lies beyond its end", file.path().string(), offset);
  return {file.read_at(offset, size), file};
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

Directory find_directory(const InputFile& file) {
  const std::uint64_t searched = std::min(file.size(), end_size + longest_comment);
  const std::string tail = file.read_at(file.size() - searched, searched);
  const std::size_t found = tail.rfind("PK\5\6"sv);
  require(found != std::string::npos, ErrorKind::damaged_file, "{} is not a zip archive, or is truncated",
          file.path().string());
  const std::uint64_t end = file.size() - searched + found;
  const LittleEndian record = read_part(file, end, end_size);
  Directory directory{.offset = record.number(16, 4), .size = record.number(12, 4)};
  if (end < zip64_locator_size) return directory;
  const LittleEndian locator = read_part(file, end - zip64_locator_size, zip64_locator_size);
  if (locator.text(0, 4) != "PK\6\7"sv) return directory;
  const LittleEndian wide = read_part(file, locator.number(8, 8), zip64_end_size);
  require(wide.text(0, 4) == "PK\6\6"sv, ErrorKind::damaged_file, "{} is a broken zip archive: it has no directory",
          file.path().string());
  return {.offset = wide.number(48, 8), .size = wide.number(40, 8)};
}

// The offset of the local header, whose extension (section 4.5.3) holds the sizes before it where they are wide too.
std::uint64_t local_header_offset(const LittleEndian& directory, std::uint64_t entry) {
  const std::uint64_t offset = directory.number(entry + 42, 4);
  if (offset != in_extension_32) return offset;
  const std::uint64_t name_size = directory.number(entry + 28, 2), extra_size = directory.number(entry + 30, 2);
  std::uint64_t extra = entry + directory_header_size + name_size;
  for (const std::uint64_t end = extra + extra_size; extra + 4 <= end;) {
    const std::uint64_t size = directory.number(extra + 2, 2);
    if (directory.number(extra, 2) == 1) {
      std::uint64_t place = extra + 4;
      if (directory.number(entry + 24, 4) == in_extension_32) place += 8;
      if (directory.number(entry + 20, 4) == in_extension_32) place += 8;
      return directory.number(place, 8);
    }
    extra += 4 + size;
  }
  return offset;
}

}  // namespace

std::optional<std::uint64_t> offset_of_stored_entry(const InputFile& file, const std::string& name) {
  const Directory place = find_directory(file);
  const LittleEndian directory = read_part(file, place.offset, place.size);
  for (std::uint64_t entry = 0; entry < directory.size();) {
    require(directory.text(entry, 4) == "PK\1\2"sv, ErrorKind::damaged_file,
            "{} is a broken zip archive: its directory is damaged", file.path().string());
    const std::uint64_t name_size = directory.number(entry + 28, 2);
    const std::uint64_t whole =
        directory_header_size + name_size + directory.number(entry + 30, 2) + directory.number(entry + 32, 2);
    if (directory.text(entry + directory_header_size, name_size) == name) {
      if (directory.number(entry + 10, 2) != 0) return std::nullopt;
      const std::uint64_t local = local_header_offset(directory, entry);
      const LittleEndian header = read_part(file, local, local_header_size);
      require(header.text(0, 4) == "PK\3\4"sv, ErrorKind::damaged_file,
              "{} is a broken zip archive: there is no entry where {} should be", file.path().string(), quote(name));
      return local + local_header_size + header.number(26, 2) + header.number(28, 2);
    }
    entry += whole;
  }
  return std::nullopt;
}

}  // namespace iddpm
