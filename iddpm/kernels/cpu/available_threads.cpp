#include "iddpm/kernels/cpu/available_threads.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <thread>

namespace iddpm::kernels {
namespace {

namespace fs = std::filesystem;

constexpr int most_threads = 1024;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// 0 if there is no quota.
int threads_of(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return 0;
  return static_cast<int>(std::clamp(std::ceil(quota / period), 1.0, static_cast<double>(most_threads)));
}

// The quota of one control group: "200000 100000" or "max 100000" in cpu.max (version 2), or two files (version 1).
int quota_at(const fs::path& group) {
  double quota = 0, period = 0;
  std::istringstream version_2(text_of(group / "cpu.max"));
  if (version_2 >> quota >> period) return threads_of(quota, period);
  std::istringstream(text_of(group / "cpu.cfs_quota_us")) >> quota;
  std::istringstream(text_of(group / "cpu.cfs_period_us")) >> period;
  return threads_of(quota, period);
}

int least(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// The least quota on the way from a group to the root of its hierarchy.
int quota_up_to_root(const fs::path& root, fs::path group) {
  int threads = quota_at(root);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    threads = least(threads, quota_at(root / group));
  }
  return threads;
}

int affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));  // more processors than a cpu_set_t holds
}

// OMP_NUM_THREADS may be a list, one number for each level of nesting.
int asked_threads() {
  const char* value = std::getenv("OMP_NUM_THREADS");
  if (value == nullptr) return 0;
  const std::string_view text(value);
  int threads = 0;
  std::from_chars(text.data(), text.data() + text.size(), threads);
  return std::clamp(threads, 0, most_threads);
}

}  // namespace

int quota_threads(const fs::path& root, const std::string& own) {
  int threads = 0;
  std::istringstream lines(own);
  // "0::/group" (version 2), "3:cpu,cpuacct:/group" (version 1).
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) threads = least(threads, quota_up_to_root(root, group));
    if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      threads = least(threads, quota_up_to_root(root / controllers, group));
      threads = least(threads, quota_up_to_root(root / "cpu", group));
    }
  }
  return threads;
}

int available_threads() {
  if (const int asked = asked_threads(); asked > 0) return asked;
  return least(affinity(), quota_threads("/sys/fs/cgroup", text_of("/proc/self/cgroup")));
}

}  // namespace iddpm::kernels
