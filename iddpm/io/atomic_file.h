#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace iddpm {

/// A file that appears under its name only when it is complete: written beside (same folder, hidden temporary name),
/// fsynced and renamed by `commit`. Destroyed without commit, it leaves nothing. Every failure (disk full, no
/// permission) is an Error naming the file and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();
  /// Lets it appear without waiting for the disk: for many files, which `sync_file_system` then waits for at once.
  /// Until then a crash of the machine (not of the program) may leave it empty.
  void commit_unsynced();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Deletes the temporary files that killed processes left in a folder (not in those below it). Those being written are
/// locked, and left alone.
void sweep_temporary_files(const std::filesystem::path& folder);

/// The whole of `contents` as an AtomicFile.
void write_file_atomically(const std::filesystem::path& path, std::string_view contents);

/// Waits until all that was written to a folder's file system is on the disk.
void sync_file_system(const std::filesystem::path& folder);
/// Makes the names in a folder durable. Some file systems can't; then there is nothing more to do.
void sync_folder(const std::filesystem::path& folder);

/// A whole file as text. Throws Error naming it if it can't be read or is larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, std::uintmax_t limit = std::uintmax_t{1} << 30);

}  // namespace iddpm
