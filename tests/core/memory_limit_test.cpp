#include "iddpm/core/memory_limit.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm {

TEST(MemoryLimit, IsThatOfTheControlGroupAndThoseItIsIn) {
  const TemporaryFolder root;
  const std::uint64_t machine = machine_memory(root.path());
  EXPECT_GT(machine, 1'000'000U) << "without control groups, the machine's";
  root.write("proc/self/cgroup", "0::/jobs/one\n");
  root.write("sys/fs/cgroup/jobs/one/memory.max", "max\n");
  EXPECT_EQ(machine_memory(root.path()), machine);
  root.write("sys/fs/cgroup/jobs/memory.max", "900000\n");
  EXPECT_EQ(machine_memory(root.path()), 900'000U);
  root.write("sys/fs/cgroup/jobs/one/memory.max", "800000\n");
  EXPECT_EQ(machine_memory(root.path()), 800'000U);
  root.write("sys/fs/cgroup/memory.max", "700000\n");
  EXPECT_EQ(machine_memory(root.path()), 700'000U) << "a container's own root";
  root.write("proc/self/cgroup", "3:cpu,memory:/job\n1:name=systemd:/x\n");
  root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "600000\n");
  EXPECT_EQ(machine_memory(root.path()), 600'000U) << "version 1";
}

TEST(MemoryLimit, IsAShareOfTheMachineUnlessSet) {
  EXPECT_EQ(memory_limit(), machine_memory() / 4 * 3);
  set_memory_limit(1000);
  EXPECT_NO_THROW(require_memory(1000, "x.npz"));
  try {
    require_memory(1001, "x.npz");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::out_of_memory);
    EXPECT_STREQ(error.what(), "x.npz needs 1001 bytes, more than the memory limit of 1000 (--memory-limit)");
  }
  set_memory_limit(0);
  EXPECT_GT(memory_limit(), 1000U) << "unset again";
}

}  // namespace iddpm
