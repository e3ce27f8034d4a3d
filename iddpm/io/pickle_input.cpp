#include "iddpm/io/pickle_input.h"

#include <algorithm>
#include <utility>

#include "iddpm/core/error.h"

namespace iddpm {

PickleInput::PickleInput(std::string bytes, std::string name, std::uint64_t file_size)
    : name_(std::move(name)), size_(bytes.size()), file_size_(file_size), block_(std::move(bytes)) {}

PickleInput::PickleInput(const InputFile& file)
    : file_(&file), name_(file.path().string()), size_(file.size()), file_size_(file.size()) {}

void PickleInput::need(std::uint64_t count) const {
  require(count <= rest(), ErrorKind::damaged_file, "{} is truncated: its pickle needs {} bytes more, but {} are left",
          name_, count, rest());
}

void PickleInput::next_block() {
  constexpr std::uint64_t block_size = 1 << 16;
  block_begin_ = position();
  block_ = file_->read_at(block_begin_, std::min(block_size, size_ - block_begin_));
  used_ = 0;
}

std::uint8_t PickleInput::byte() {
  need(1);
  if (used_ == block_.size()) next_block();
  return static_cast<std::uint8_t>(block_[used_++]);
}

std::string PickleInput::take(std::uint64_t count) {
  need(count);
  std::string text;
  text.reserve(count);
  while (text.size() < count) {
    if (used_ == block_.size()) next_block();
    const std::size_t part = std::min<std::size_t>(count - text.size(), block_.size() - used_);
    text.append(block_, used_, part);
    used_ += part;
  }
  return text;
}

std::string PickleInput::line() {
  std::string text;
  for (char c = static_cast<char>(byte()); c != '\n'; c = static_cast<char>(byte())) text += c;
  return text;
}

std::uint64_t PickleInput::integer(int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint64_t{byte()} << (8 * i);
  return value;
}

}  // namespace iddpm
