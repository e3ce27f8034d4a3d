#include "iddpm/io/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view temporary_prefix = ".iddpm-";
constexpr std::string_view temporary_suffix = ".tmp";

[[noreturn]] void fail_writing(const fs::path& path) {
  fail("cannot write {}: {}", path.string(), std::generic_category().message(errno));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  require(path_.has_filename(), "cannot write {}: the name of a file is expected", quote(path_.string()));
  std::error_code ignored;
  // A link keeps pointing at its file, and a device is not to be replaced by a file.
  if (fs::is_symlink(path_, ignored)) {
    const fs::path target = fs::weakly_canonical(path_, ignored);
    if (!ignored) path_ = target;
  }
  const fs::file_status status = fs::status(path_, ignored);
  require(!fs::is_directory(status), "cannot write {}: it is a folder", path_.string());
  require(!fs::exists(status) || fs::is_regular_file(status), "cannot write {}: it is not a regular file",
          path_.string());

  std::random_device random;
  do {
    temporary_ =
        folder_of(path_) / fmt::format("{}{:08x}{:08x}{}", temporary_prefix, random(), random(), temporary_suffix);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) fail_writing(path_);
  // Says that it is being written, where files can be locked.
  (void)::flock(descriptor_, LOCK_EX | LOCK_NB);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_writing(path_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_writing(path_);
  // Renamed before it is closed, and with that unlocked: sweep_temporary_files would take it for a dead process's.
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_writing(path_);
  temporary_.clear();
  ::close(std::exchange(descriptor_, -1));
  sync_folder(folder_of(path_));
}

void AtomicFile::commit_unsynced() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_writing(path_);
  temporary_.clear();
  if (::close(std::exchange(descriptor_, -1)) != 0) fail_writing(path_);
}

void sync_file_system(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail_writing(folder);
  const bool synced = ::syncfs(descriptor) == 0;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (!synced) fail_writing(folder);
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void sweep_temporary_files(const fs::path& folder) {
  constexpr std::size_t digits = 16;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() != temporary_prefix.size() + digits + temporary_suffix.size() ||
        !name.starts_with(temporary_prefix) || !name.ends_with(temporary_suffix)) {
      continue;
    }
    const int descriptor = ::open(entry->path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entry->path().c_str());
    ::close(descriptor);
  }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

std::string read_file(const std::filesystem::path& path, std::uintmax_t limit) {
  const InputFile file(path);
  require(file.size() <= limit, "{} holds {} bytes, more than the {} expected at most", path.string(), file.size(),
          limit);
  return file.read_at(0, file.size());
}

}  // namespace iddpm
