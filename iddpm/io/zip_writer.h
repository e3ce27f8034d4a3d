#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "iddpm/io/atomic_file.h"
#include "iddpm/io/zip_records.h"

namespace iddpm {

/// Writes a zip archive of stored entries straight to an AtomicFile, with 64-bit sizes throughout. The same contents
/// give the same bytes: no time is recorded.
class ZipWriter {
 public:
  explicit ZipWriter(std::filesystem::path path);

  /// Adds an entry: its contents are the parts one after the other.
  void add(const std::string& name, const std::vector<std::span<const std::byte>>& parts);
  /// Writes the directory and lets the file appear.
  void commit();

 private:
  AtomicFile file_;
  std::uint64_t position_ = 0;
  std::vector<zip_records::Entry> entries_;
};

}  // namespace iddpm
