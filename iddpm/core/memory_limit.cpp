#include "iddpm/core/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_size = ::sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page_size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size)
                                    : UINT64_MAX;
}

// The number in a file; none ("max", no such file) is no limit.
std::uint64_t number_in(const fs::path& file) {
  std::uint64_t number = 0;
  std::ifstream stream(file);
  return stream >> number ? number : UINT64_MAX;
}

// The least limit of a group and those that it is in, up to the root of its hierarchy.
std::uint64_t least_limit(const fs::path& hierarchy, fs::path group, const char* file) {
  std::uint64_t least = number_in(hierarchy / file);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    least = std::min(least, number_in(hierarchy / group / file));
  }
  return least;
}

// cgroups(7): lines "0::/path" of version 2 and "4:memory:/path" of version 1.
std::uint64_t control_group_memory(const fs::path& root) {
  std::uint64_t least = UINT64_MAX;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") {
      least = std::min(least, least_limit(root / "sys/fs/cgroup", group, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, least_limit(root / "sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

std::atomic<std::uint64_t> limit_set = 0;  // 0: none

}  // namespace

std::uint64_t machine_memory(const fs::path& root) { return std::min(physical_memory(), control_group_memory(root)); }

std::uint64_t memory_limit() {
  if (const std::uint64_t set = limit_set; set > 0) return set;
  static const std::uint64_t share = machine_memory() / 4 * 3;
  return share;
}

void set_memory_limit(std::uint64_t bytes) { limit_set = bytes; }

void require_memory(std::uint64_t bytes, const std::string& what) {
  require(bytes <= memory_limit(), ErrorKind::out_of_memory,
          "{} needs {} bytes, more than the memory limit of {} (--memory-limit)", what, bytes, memory_limit());
}

}  // namespace iddpm
