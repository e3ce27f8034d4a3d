#pragma once

#include <cstdint>
#include <string>

#include "iddpm/io/input_file.h"

namespace iddpm {

/// The bytes of pickles, read one after the other from memory or from a file. Lengths are checked against what is left
/// before memory is taken.
class PickleInput {
 public:
  /// `name` of the file, for messages; `file_size` its size, which packed bytes may exceed.
  PickleInput(std::string bytes, std::string name, std::uint64_t file_size);
  /// Reads `file`, which must outlive it, in blocks.
  explicit PickleInput(const InputFile& file);

  std::uint8_t byte();
  std::string take(std::uint64_t count);
  /// Up to the next line feed, which is taken too.
  std::string line();
  /// An unsigned integer of up to 8 bytes, least significant first.
  std::uint64_t integer(int bytes);

  std::uint64_t position() const { return block_begin_ + used_; }
  std::uint64_t rest() const { return size_ - position(); }
  const std::string& name() const { return name_; }
  /// Bytes of the file that the pickles are in.
  std::uint64_t file_size() const { return file_size_; }

 private:
  void need(std::uint64_t count) const;
  void next_block();

  const InputFile* file_ = nullptr;
  std::string name_;
  std::uint64_t size_ = 0;
  std::uint64_t file_size_ = 0;
  std::uint64_t block_begin_ = 0;
  std::string block_;
  std::size_t used_ = 0;
};

}  // namespace iddpm
