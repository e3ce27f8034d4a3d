#include "iddpm/training/run/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm {
namespace {

// "process 1234 on host", as the process that holds the lock wrote it.
std::string holder(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  std::string name(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  name = name.substr(0, name.find('\n'));
  return name.empty() ? "another process" : quote(name);
}

std::string this_process() {
  std::array<char, 128> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& run_folder) {
  const std::filesystem::path path = run_folder / file_name;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  require(descriptor_ >= 0, "cannot write {}: {}", path.string(), std::generic_category().message(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return;
    const std::string other = holder(descriptor_);
    ::close(std::exchange(descriptor_, -1));
    fail("{} is in use: {} trains there; expected a run that no other process trains", run_folder.string(), other);
  }
  // For people only: whether that could be written changes nothing.
  const std::string text = this_process() + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) return;
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RunLock::RunLock(RunLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace iddpm
