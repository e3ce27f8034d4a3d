#include "iddpm/io/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

std::string system_reason() { return std::generic_category().message(errno); }

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer instead of failing below.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("cannot open {}: {}", path_.string(), system_reason());
  struct stat status = {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    const std::string reason = !known                    ? system_reason()
                               : S_ISDIR(status.st_mode) ? "it is a folder, not a file"
                                                         : "it is not a regular file";
    ::close(descriptor_);
    fail("cannot read {}: {}", path_.string(), reason);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), size_(other.size_), descriptor_(std::exchange(other.descriptor_, -1)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  require(offset <= size_ && bytes.size() <= size_ - offset, ErrorKind::damaged_file,
          "{} is truncated: {} bytes are expected at offset {}, but it holds {} bytes", path_.string(), bytes.size(),
          offset, size_);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read {}: {}", path_.string(), system_reason());
    require(count > 0, ErrorKind::damaged_file, "{} is truncated: it became shorter while it was read", path_.string());
    done += static_cast<std::size_t>(count);
  }
}

std::string InputFile::read_at(std::uint64_t offset, std::uint64_t count) const {
  require(offset <= size_ && count <= size_ - offset, ErrorKind::damaged_file,
          "{} is truncated: {} bytes are expected at offset {}, but it holds {} bytes", path_.string(), count, offset,
          size_);
  std::string bytes(count, '\0');
  read_at(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace iddpm
