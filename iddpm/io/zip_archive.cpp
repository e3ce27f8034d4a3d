#include "iddpm/io/zip_archive.h"

#include <zip.h>

#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

// Deflate can't do better than 1032 : 1, so that a larger claim is a lie.
constexpr std::uint64_t highest_deflate_ratio = 1032;

ZipEntry checked_entry(const struct zip_stat& status, const std::string& path) {
  constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                  ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  require((status.valid & needed) == needed, ErrorKind::damaged_file,
          "{} is a broken zip archive: an entry's size is unknown", path);
  const std::string name = status.name;
  require(status.encryption_method == ZIP_EM_NONE, ErrorKind::unsupported, "{}: entry {} is encrypted", path,
          quote(name));
  const bool is_stored = status.comp_method == ZIP_CM_STORE;
  require(is_stored || status.comp_method == ZIP_CM_DEFLATE, ErrorKind::unsupported,
          "{}: entry {} is packed by method {}, expected stored or deflated", path, quote(name), status.comp_method);
  const bool is_possible =
      is_stored ? status.size == status.comp_size : status.size / highest_deflate_ratio <= status.comp_size;
  require(is_possible, ErrorKind::damaged_file, "{} is a broken zip archive: entry {} claims {} bytes in {}", path,
          quote(name), status.size, status.comp_size);
  return {.name = name, .index = status.index, .size = status.size};
}

}  // namespace

void ZipArchive::Closer::operator()(::zip* archive) const { zip_discard(archive); }

ZipArchive::ZipArchive(std::filesystem::path path) : path_(std::move(path)) {
  const std::string name = path_.string();
  file_size_ = InputFile(path_).size();
  int code = 0;
  archive_.reset(zip_open(path_.c_str(), ZIP_RDONLY, &code));
  if (archive_ == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(ErrorKind::damaged_file, "{} is not a zip archive, or is truncated: {}", name, reason);
  }
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  std::uint64_t packed_bytes = 0;
  for (zip_int64_t i = 0; i < count; ++i) {
    struct zip_stat status;
    require(zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), 0, &status) == 0, ErrorKind::damaged_file,
            "{} is a broken zip archive: {}", name, zip_strerror(archive_.get()));
    entries_.push_back(checked_entry(status, name));
    // Entries that share their packed bytes would unpack to more than the ratio allows.
    require(status.comp_size <= file_size_ - packed_bytes, ErrorKind::damaged_file,
            "{} is a broken zip archive: its entries claim more bytes than the {} it holds", name, file_size_);
    packed_bytes += status.comp_size;
    index_.emplace(entries_.back().name, entries_.size() - 1);
  }
}

const ZipEntry* ZipArchive::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void ZipEntryReader::Closer::operator()(::zip_file* file) const { zip_fclose(file); }

ZipEntryReader::ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry)
    : archive_(archive),
      entry_(entry),
      file_(zip_fopen_index(archive.archive_.get(), entry.index, 0)),
      rest_(entry.size) {
  require(file_ != nullptr, "{}: entry {} can't be read: {}", archive.path_.string(), quote(entry.name),
          zip_strerror(archive.archive_.get()));
}

void ZipEntryReader::read(std::span<std::byte> bytes) {
  require(bytes.size() <= rest_, ErrorKind::damaged_file,
          "{}: entry {} is truncated: {} bytes are expected, but {} are left", archive_.path_.string(),
          quote(entry_.name), bytes.size(), rest_);
  while (!bytes.empty()) {
    const zip_int64_t count = zip_fread(file_.get(), bytes.data(), bytes.size());
    require(count >= 0, ErrorKind::damaged_file, "{}: entry {} is damaged: {}", archive_.path_.string(),
            quote(entry_.name), zip_file_strerror(file_.get()));
    require(count > 0, ErrorKind::damaged_file, "{}: entry {} is truncated", archive_.path_.string(),
            quote(entry_.name));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    rest_ -= static_cast<std::uint64_t>(count);
  }
}

std::string ZipEntryReader::read(std::uint64_t count) {
  require(count <= rest_, ErrorKind::damaged_file, "{}: entry {} is truncated: {} bytes are expected, but {} are left",
          archive_.path_.string(), quote(entry_.name), count, rest_);
  std::string text(count, '\0');
  read(std::as_writable_bytes(std::span(text)));
  return text;
}

void ZipEntryReader::finish() {
  // libzip compares the checksum when it is asked for what comes after the last byte.
  std::byte more;
  const zip_int64_t count = zip_fread(file_.get(), &more, 1);
  require(count >= 0, ErrorKind::damaged_file, "{}: entry {} is damaged: {}", archive_.path_.string(),
          quote(entry_.name), zip_file_strerror(file_.get()));
  require(count == 0 && rest_ == 0, ErrorKind::damaged_file, "{}: entry {} is longer than expected",
          archive_.path_.string(), quote(entry_.name));
}

}  // namespace iddpm
