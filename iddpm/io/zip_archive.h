#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct zip;
struct zip_file;

namespace iddpm {

struct ZipEntry {
  std::string name;
  std::uint64_t index = 0;
  std::uint64_t size = 0;  ///< unpacked
};

/// A zip archive opened for reading. An archive whose entries claim more than their packed bytes can hold is refused
/// when it is opened.
class ZipArchive {
 public:
  /// Throws Error naming the file if it can't be read, is broken, encrypted, or packed by another method than deflate.
  explicit ZipArchive(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t file_size() const { return file_size_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// The entry of this name (the first, if several have it), or null.
  const ZipEntry* find(const std::string& name) const;

 private:
  friend class ZipEntryReader;
  struct Closer {
    void operator()(::zip* archive) const;
  };

  std::filesystem::path path_;
  std::uint64_t file_size_ = 0;
  std::unique_ptr<::zip, Closer> archive_;
  std::vector<ZipEntry> entries_;
  std::map<std::string, std::size_t> index_;
};

/// Reads one entry from its beginning. Not to outlive the archive; one thread at a time for all of an archive.
class ZipEntryReader {
 public:
  ZipEntryReader(const ZipArchive& archive, const ZipEntry& entry);

  /// Fills `bytes`. Throws Error if the entry is damaged or ends before.
  void read(std::span<std::byte> bytes);
  /// The next `count` bytes, checked against the entry's size before memory is taken.
  std::string read(std::uint64_t count);
  /// Checks that nothing is left, and the checksum.
  void finish();

 private:
  struct Closer {
    void operator()(::zip_file* file) const;
  };

  const ZipArchive& archive_;
  const ZipEntry& entry_;
  std::unique_ptr<::zip_file, Closer> file_;
  std::uint64_t rest_ = 0;
};

}  // namespace iddpm
