#include "iddpm/io/tar_archive.h"

#include <algorithm>
#include <optional>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

constexpr std::uint64_t tar_block = 512;
constexpr std::uint64_t longest_extension = 1 << 20;  // a pax header or a long name

// Where fields stand in a header (POSIX.1-1988, section 10.1.1), and how long they are.
struct HeaderField {
  std::size_t offset;
  std::size_t length;
};
constexpr HeaderField name_field{0, 100}, size_field{124, 12}, checksum_field{148, 8}, prefix_field{345, 155};
constexpr std::size_t type_offset = 156, magic_offset = 257;

std::string bytes_of_field(const std::string& header, HeaderField field) {
  return header.substr(field.offset, field.length);
}

// Up to the first zero byte.
std::string text_of_field(const std::string& header, HeaderField field) {
  const std::string bytes = bytes_of_field(header, field);
  return bytes.substr(0, bytes.find('\0'));
}

// Octal digits among spaces and zero bytes, or, as GNU's tar writes what is larger, a number to base 256 whose first
// bit is set. Nothing if it is neither, or beyond 63 bits.
std::optional<std::uint64_t> number_of_field(const std::string& header, HeaderField field) {
  const std::string bytes = bytes_of_field(header, field);
  std::uint64_t value = 0;
  if (static_cast<unsigned char>(bytes[0]) == 0x80) {
    for (const char c : bytes.substr(1)) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  const std::size_t begin = bytes.find_first_not_of(' ');
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = std::min(bytes.find_first_of(std::string(" \0", 2), begin), bytes.size());
  for (std::size_t i = begin; i < end; ++i) {
    if (bytes[i] < '0' || bytes[i] > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(bytes[i] - '0');
  }
  return value;
}

// The sum of the header's bytes, its own field taken as spaces.
bool has_right_checksum(const std::string& header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    const bool own = i >= checksum_field.offset && i < checksum_field.offset + checksum_field.length;
    sum += own ? static_cast<std::uint64_t>(' ') : static_cast<unsigned char>(header[i]);
  }
  return number_of_field(header, checksum_field) == sum;
}

/// What an extended header says of the entry that follows.
struct Extension {
  std::optional<std::string> name = {};
  std::optional<std::uint64_t> size = {};
};

// Records "LENGTH KEY=VALUE\n", the length that of the whole record.
void read_pax_records(const std::string& records, const std::string& where, Extension& extension) {
  for (std::size_t begin = 0; begin < records.size();) {
    std::uint64_t length = 0;
    std::size_t space = begin;
    for (; space < records.size() && records[space] >= '0' && records[space] <= '9' && space - begin < 8; ++space) {
      length = length * 10 + static_cast<std::uint64_t>(records[space] - '0');
    }
    const std::size_t equals = records.find('=', space);
    const bool fits = space < records.size() && records[space] == ' ' && length > 0 &&
                      length <= records.size() - begin && equals < begin + length &&
                      records[begin + length - 1] == '\n';
    require(fits, ErrorKind::damaged_file, "{}: a record of an extended header is damaged", where);
    const std::string key = records.substr(space + 1, equals - space - 1);
    const std::string value = records.substr(equals + 1, begin + length - 1 - (equals + 1));
    require(!key.starts_with("GNU.sparse"), ErrorKind::unsupported,
            "{} holds a sparse file, which isn't read; expected plain ones", where);
    if (key == "path") extension.name = value;
    if (key == "size") {
      const bool digits = !value.empty() && value.size() <= 18 &&
                          std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
      require(digits, ErrorKind::damaged_file, "{}: expected a size in an extended header, got {}", where,
              quote(value));
      extension.size = std::stoull(value);
    }
    begin += length;
  }
}

std::string entry_name(const std::string& header) {
  const bool ustar = header.compare(magic_offset, 6, std::string("ustar\0", 6)) == 0;
  const std::string prefix = ustar ? text_of_field(header, prefix_field) : "";
  const std::string name = text_of_field(header, name_field);
  return prefix.empty() ? name : prefix + "/" + name;
}

/// Reads the headers one after the other.
class TarHeaderReader {
 public:
  explicit TarHeaderReader(const InputFile& file) : file_(file), where_(file.path().string()) {}

  std::vector<TarEntry> entries() {
    while (position_ < file_.size()) {
      require(file_.size() - position_ >= tar_block, ErrorKind::damaged_file, "{} is cut: it ends within a header",
              where_);
      const std::string header = file_.read_at(position_, tar_block);
      if (std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; })) break;  // the end
      require(has_right_checksum(header), ErrorKind::damaged_file,
              "{} is damaged, or no tar archive: the header at byte {} has a wrong checksum", where_, position_);
      read_entry(header);
    }
    return std::move(entries_);
  }

 private:
  void read_entry(const std::string& header) {
    const char type = header[type_offset];
    require(type != 'S', ErrorKind::unsupported, "{} holds a sparse file, which isn't read; expected plain ones",
            where_);
    const bool extends = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    std::optional<std::uint64_t> size = number_of_field(header, size_field);
    if (!extends && extension_.size) size = extension_.size;
    require(size.has_value(), ErrorKind::damaged_file, "{}: the header at byte {} has no size", where_, position_);
    const std::uint64_t contents = position_ + tar_block;
    require(*size <= file_.size() - contents, ErrorKind::damaged_file,
            "{} is cut: an entry claims {} bytes at byte {}, but {} are left", where_, *size, contents,
            file_.size() - contents);
    if (extends) {
      require(*size <= longest_extension, ErrorKind::damaged_file, "{}: an extended header claims {} bytes", where_,
              *size);
      read_extension(type, file_.read_at(contents, *size));
    } else {
      if (type == '0' || type == '\0' || type == '7') {
        entries_.push_back({.name = extension_.name.value_or(entry_name(header)), .offset = contents, .size = *size});
      }
      extension_ = {};
    }
    // The last entry's padding may be missing.
    position_ = contents + std::min((*size + tar_block - 1) / tar_block * tar_block, file_.size() - contents);
  }

  void read_extension(char type, const std::string& contents) {
    if (type == 'x') read_pax_records(contents, where_, extension_);
    if (type == 'L') extension_.name = contents.substr(0, contents.find('\0'));
  }

  const InputFile& file_;
  const std::string where_;
  std::uint64_t position_ = 0;
  Extension extension_;
  std::vector<TarEntry> entries_;
};

}  // namespace

TarArchive::TarArchive(const std::filesystem::path& path) : file_(path) { entries_ = TarHeaderReader(file_).entries(); }

bool looks_like_tar(const std::string& beginning) {
  return beginning.size() >= tar_block && beginning[0] != '\0' && has_right_checksum(beginning);
}

}  // namespace iddpm
