#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/io/input_file.h"

namespace iddpm {

/// A regular file within a tar archive.
struct TarEntry {
  std::string name;
  std::uint64_t offset = 0;  ///< of its contents in the archive
  std::uint64_t size = 0;
};

/// A tar archive opened for reading at random: POSIX.1-1988 (ustar) and POSIX.1-2001 (pax: long names and sizes), and
/// GNU's long names and sizes. Its headers are read once, nothing is unpacked. Folders, links and special files are
/// passed over. Safe to read from several threads at once.
class TarArchive {
 public:
  /// Throws Error naming the file if it can't be read, is no tar archive (packed ones are none), is damaged or cut, or
  /// holds sparse files.
  explicit TarArchive(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  std::uint64_t file_size() const { return file_.size(); }
  const std::vector<TarEntry>& entries() const { return entries_; }
  /// An entry's contents. Throws Error if the file has become shorter.
  std::string read(const TarEntry& entry) const { return file_.read_at(entry.offset, entry.size); }

 private:
  InputFile file_;
  std::vector<TarEntry> entries_;
};

/// Whether a file's first 512 bytes are a tar archive's: a header whose checksum is right.
bool looks_like_tar(const std::string& beginning);

}  // namespace iddpm
