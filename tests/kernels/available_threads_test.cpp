#include "iddpm/kernels/cpu/available_threads.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tests/temporary_folder.h"

namespace iddpm::kernels {
namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST(AvailableThreads, ObeyTheQuotaOfAContainer) {
  const TemporaryFolder root;
  EXPECT_EQ(quota_threads(root.path(), "0::/box\n"), 0) << "no quota";
  write(root / "box" / "cpu.max", "max 100000\n");
  EXPECT_EQ(quota_threads(root.path(), "0::/box\n"), 0) << "no quota";
  write(root / "box" / "cpu.max", "250000 100000\n");
  EXPECT_EQ(quota_threads(root.path(), "0::/box\n"), 3) << "rounded up";
  EXPECT_EQ(quota_threads(root.path(), "0::/box/inner/most\n"), 3) << "that of a group that holds it";
  write(root / "box" / "inner" / "cpu.max", "50000 100000\n");
  EXPECT_EQ(quota_threads(root.path(), "0::/box/inner/most\n"), 1) << "the least";
  EXPECT_EQ(quota_threads(root.path(), "nonsense"), 0);
}

TEST(AvailableThreads, ObeyTheQuotaOfTheFirstVersionOfControlGroups) {
  const TemporaryFolder root;
  write(root / "cpu,cpuacct" / "box" / "cpu.cfs_period_us", "100000\n");
  write(root / "cpu,cpuacct" / "box" / "cpu.cfs_quota_us", "-1\n");
  const std::string own = "5:memory:/other\n3:cpu,cpuacct:/box\n";
  EXPECT_EQ(quota_threads(root.path(), own), 0) << "no quota";
  write(root / "cpu,cpuacct" / "box" / "cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(quota_threads(root.path(), own), 2);
}

TEST(AvailableThreads, ObeyTheEnvironment) {
  const char* before = getenv("OMP_NUM_THREADS");
  const std::string kept = before == nullptr ? "" : before;
  setenv("OMP_NUM_THREADS", "7,2", 1);
  EXPECT_EQ(available_threads(), 7);
  unsetenv("OMP_NUM_THREADS");
  EXPECT_GE(available_threads(), 1);
  if (before != nullptr) setenv("OMP_NUM_THREADS", kept.c_str(), 1);
}

}  // namespace iddpm::kernels
