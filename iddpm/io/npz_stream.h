#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/io/zip_records.h"

namespace iddpm {

/// The array that an .npz begins with, of bytes: rows of one shape.
struct NpzRows {
  std::string name = "arr_0";
  std::int64_t rows = 0;
  std::vector<std::int64_t> row_shape = {};
};

/// An .npz whose first array is written row by row as it comes into being, so that it need not fit in memory. The file
/// under way is NAME.unfinished, which another process can go on with; `finish` lets it appear under its name. Locked
/// against other processes. Every failure is an Error naming the file and the system's reason.
class NpzStream {
 public:
  /// Where the file under way lies.
  static std::filesystem::path unfinished_path(const std::filesystem::path& path);

  /// Opens the file under way: with the rows that it holds if `go_on`, otherwise without any, whatever it held. Holding
  /// none, it leaves nothing behind.
  NpzStream(std::filesystem::path path, NpzRows array, bool go_on);
  ~NpzStream();
  NpzStream(const NpzStream&) = delete;
  NpzStream& operator=(const NpzStream&) = delete;

  /// Whole rows written so far.
  std::int64_t rows() const { return rows_; }
  /// Forgets the rows from number `rows` on.
  void shorten(std::int64_t rows);
  /// Rows first .. first + count - 1, uint8 [count, ...].
  Tensor read(std::int64_t first, std::int64_t count) const;
  /// uint8 [N, ...].
  void append(const Tensor& rows);
  /// Waits until all is on the disk.
  void sync();
  /// Writes further arrays after it and renames the file. Throws Error unless all rows are there.
  void finish(const NamedTensors& further = {});

 private:
  void write_at(std::uint64_t position, std::string_view bytes);
  std::string read_at(std::uint64_t position, std::uint64_t count) const;

  std::filesystem::path path_;
  NpzRows array_;
  std::uint64_t row_bytes_ = 0;
  std::string header_;  ///< of the entry and of the array
  std::int64_t rows_ = 0;
  int descriptor_ = -1;
};

}  // namespace iddpm
