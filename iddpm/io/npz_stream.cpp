#include "iddpm/io/npz_stream.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/npy_header.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_writing_npz(const fs::path& path) {
  fail("cannot write {}: {}", path.string(), std::generic_category().message(errno));
}

std::uint64_t header_size_of_entry(const NpzRows& array) {
  return zip_records::local_header({.name = array.name + ".npy"}).size();
}

std::vector<std::int64_t> shape_of(const NpzRows& array, std::int64_t rows) {
  std::vector<std::int64_t> shape = {rows};
  shape.insert(shape.end(), array.row_shape.begin(), array.row_shape.end());
  return shape;
}

std::uint32_t added_checksum(std::uint32_t checksum, std::string_view bytes) {
  if (bytes.empty()) return checksum;  // zlib takes a null pointer for a wish to begin anew
  return static_cast<std::uint32_t>(crc32_z(checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string_view text_of(const Tensor& tensor) {
  const auto bytes = bytes_of(tensor);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

fs::path NpzStream::unfinished_path(const fs::path& path) { return path.string() + ".unfinished"; }

NpzStream::NpzStream(fs::path path, NpzRows array, bool go_on) : path_(std::move(path)), array_(std::move(array)) {
  const auto row_bytes = byte_count(array_.row_shape, at::kByte);
  const auto bytes = byte_count(shape_of(array_, array_.rows), at::kByte);
  require(row_bytes.has_value() && bytes.has_value() && *row_bytes > 0, "cannot write {}: an array of {} is impossible",
          path_.string(), format_shape(shape_of(array_, array_.rows)));
  row_bytes_ = *row_bytes;
  const std::string of_array = npy_header(at::kByte, shape_of(array_, array_.rows), path_.string());
  header_ = zip_records::local_header({.name = array_.name + ".npy", .size = of_array.size() + *bytes}) + of_array;

  const fs::path unfinished = unfinished_path(path_);
  descriptor_ = ::open(unfinished.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_writing_npz(unfinished);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor_);
    fail("{} is being written by another process", unfinished.string());
  }
  struct stat status {};
  if (go_on && ::fstat(descriptor_, &status) == 0) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    std::string there = size > header_.size() ? read_at(0, header_.size()) : std::string();
    // A process that was killed while it finished has left the checksum, which is written anew.
    if (!there.empty()) there.replace(zip_records::checksum_offset, 4, 4, '\0');
    if (there == header_) {
      rows_ = std::min(static_cast<std::int64_t>((size - header_.size()) / row_bytes_), array_.rows);
    }
  }
  shorten(rows_);
}

NpzStream::~NpzStream() {
  if (descriptor_ < 0) return;
  if (rows_ == 0) ::unlink(unfinished_path(path_).c_str());
  ::close(descriptor_);
}

void NpzStream::write_at(std::uint64_t position, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_writing_npz(unfinished_path(path_));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    position += static_cast<std::uint64_t>(count);
  }
}

std::string NpzStream::read_at(std::uint64_t position, std::uint64_t count) const {
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, count - done, static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) continue;
    require(got > 0, ErrorKind::damaged_file, "cannot read {}: {}", unfinished_path(path_).string(),
            got < 0 ? std::generic_category().message(errno) : "it ends too early");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

void NpzStream::shorten(std::int64_t rows) {
  rows_ = std::min(rows, rows_);
  const std::uint64_t size = rows_ == 0 ? 0 : header_.size() + static_cast<std::uint64_t>(rows_) * row_bytes_;
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) fail_writing_npz(unfinished_path(path_));
  if (rows_ == 0) write_at(0, header_);
}

Tensor NpzStream::read(std::int64_t first, std::int64_t count) const {
  require(first >= 0 && count >= 0 && first + count <= rows_, "{} holds {} rows; {} from {} on were asked for",
          unfinished_path(path_).string(), rows_, count, first);
  const std::string bytes = read_at(header_.size() + static_cast<std::uint64_t>(first) * row_bytes_,
                                    static_cast<std::uint64_t>(count) * row_bytes_);
  const Tensor rows = at::empty(shape_of(array_, count), at::kByte);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(rows.data_ptr<std::uint8_t>()));
  return rows;
}

void NpzStream::append(const Tensor& rows) {
  const Tensor dense = rows.to(at::kCPU).contiguous();
  require(dense.scalar_type() == at::kByte && dense.sizes() == at::IntArrayRef(shape_of(array_, rows.size(0))) &&
              rows_ + dense.size(0) <= array_.rows,
          "cannot write {}: expected at most {} rows of {}, got {} {}", path_.string(), array_.rows - rows_,
          format_shape(array_.row_shape), at::toString(dense.scalar_type()), format_shape(dense.sizes()));
  write_at(header_.size() + static_cast<std::uint64_t>(rows_) * row_bytes_, text_of(dense));
  rows_ += dense.size(0);
}

void NpzStream::sync() {
  if (::fdatasync(descriptor_) != 0) fail_writing_npz(unfinished_path(path_));
}

void NpzStream::finish(const NamedTensors& further) {
  require(rows_ == array_.rows, "cannot finish {}: it holds {} of {} rows", path_.string(), rows_, array_.rows);
  // The checksum comes before the contents, which may have been written by several processes.
  const std::uint64_t end = header_.size() + static_cast<std::uint64_t>(rows_) * row_bytes_;
  const std::uint64_t begin = header_size_of_entry(array_);
  zip_records::Entry first{.name = array_.name + ".npy", .offset = 0, .size = end - begin};
  constexpr std::uint64_t piece = std::uint64_t{1} << 22;
  for (std::uint64_t position = begin; position < end; position += piece) {
    first.checksum = added_checksum(first.checksum, read_at(position, std::min(piece, end - position)));
  }
  std::vector<zip_records::Entry> entries = {first};
  std::uint64_t position = end;
  for (const auto& [name, tensor] : further) {
    const Tensor dense = tensor.detach().to(at::kCPU).contiguous();
    const std::string of_array = npy_header(dense.scalar_type(), dense.sizes().vec(), path_.string());
    zip_records::Entry entry{.name = name + ".npy", .offset = position};
    entry.size = of_array.size() + text_of(dense).size();
    entry.checksum = added_checksum(added_checksum(0, of_array), text_of(dense));
    const std::string of_entry = zip_records::local_header(entry);
    write_at(position, of_entry);
    write_at(position + of_entry.size(), of_array);
    write_at(position + of_entry.size() + of_array.size(), text_of(dense));
    position += of_entry.size() + entry.size;
    entries.push_back(std::move(entry));
  }
  write_at(position, zip_records::directory(entries, position));
  write_at(zip_records::checksum_offset, zip_records::little_endian(first.checksum));
  if (::fsync(descriptor_) != 0) fail_writing_npz(unfinished_path(path_));
  if (::rename(unfinished_path(path_).c_str(), path_.c_str()) != 0) fail_writing_npz(path_);
  sync_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace iddpm
