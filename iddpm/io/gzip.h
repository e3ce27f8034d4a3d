#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace iddpm {

/// A file read from its beginning, unpacked on the way if it is gzip (by contents, not name). Holds a buffer, never the
/// whole file.
class MaybeGzipFile {
 public:
  /// Throws Error naming the file if it can't be opened.
  explicit MaybeGzipFile(const std::filesystem::path& path);
  ~MaybeGzipFile();
  MaybeGzipFile(MaybeGzipFile&&) noexcept;

  /// How many bytes the file can hold at most, unpacked: exactly, if it isn't packed.
  std::uint64_t most_bytes() const;
  /// Whether it is packed, so that most_bytes is only a bound.
  bool is_packed() const;
  /// Fills as much of `bytes` as there is, and returns how much. Throws Error naming the file if it is broken or
  /// truncated.
  std::size_t read_some(std::span<std::byte> bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A whole file, unpacked if it is gzip. Throws Error naming it if it is missing, broken or truncated, or would unpack
/// to more than `limit` bytes.
std::string read_maybe_gzip(const std::filesystem::path& path, std::uint64_t limit = std::uint64_t{1} << 32);

}  // namespace iddpm
