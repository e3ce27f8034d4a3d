#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "iddpm/core/quote.h"

namespace iddpm {

/// A regular file opened for reading at any offset; safe to read from several threads at once.
class InputFile {
 public:
  /// Throws Error naming the file if it can't be opened or is not a regular file.
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;

  const std::filesystem::path& path() const { return path_; }
  /// Bytes it held when it was opened.
  std::uint64_t size() const { return size_; }
  /// Fills `bytes` from `offset`. Throws Error if the file ends before.
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;
  /// The `count` bytes from `offset`, checked against the size before memory is taken.
  std::string read_at(std::uint64_t offset, std::uint64_t count) const;

 private:
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace iddpm
