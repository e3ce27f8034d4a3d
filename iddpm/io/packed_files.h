#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace iddpm {

/// A file within an archive.
struct PackedFile {
  std::string name;
  std::uint64_t size = 0;  ///< unpacked
};

/// The files of an archive, read at random without unpacking it. Safe to read from several threads at once.
class PackedFiles {
 public:
  virtual ~PackedFiles() = default;
  virtual const std::filesystem::path& path() const = 0;
  /// Bytes of the archive itself.
  virtual std::uint64_t archive_size() const = 0;
  /// In the archive's order.
  virtual const std::vector<PackedFile>& files() const = 0;
  /// The contents of files()[index]. Throws Error naming archive and file if it is damaged, or larger than `limit` or
  /// the memory limit, before memory is taken.
  virtual std::string read(std::size_t index, std::uint64_t limit = std::uint64_t{1} << 30) const = 0;
};

/// Opens a zip archive (stored or deflated) or a tar archive, whichever it is by its contents. Throws Error as
/// ZipArchive and TarArchive do.
std::unique_ptr<PackedFiles> open_packed_files(const std::filesystem::path& path);

/// Whether the name ends as one of these does: .zip, .tar.
bool is_archive_name(const std::string& name);

}  // namespace iddpm
