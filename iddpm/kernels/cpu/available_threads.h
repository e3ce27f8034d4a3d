#pragma once

#include <filesystem>
#include <string>

namespace iddpm::kernels {

/// How many threads to compute with unless told otherwise: OMP_NUM_THREADS if it is set, else the processors that this
/// process may run on (its affinity), but no more than the CPU time that its control group may use (a container's
/// limit), rounded up.
int available_threads();

/// The CPU quota of a control group in processors, rounded up: the least of its own and of those that hold it. 0: no
/// quota. `root` is where control groups are mounted (/sys/fs/cgroup), `own` the contents of /proc/self/cgroup;
/// versions 1 and 2 are understood (Linux kernel documentation, admin-guide/cgroup-v2.rst "cpu.max",
/// scheduler/sched-bwc.rst).
int quota_threads(const std::filesystem::path& root, const std::string& own);

}  // namespace iddpm::kernels
