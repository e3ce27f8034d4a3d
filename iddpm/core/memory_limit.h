#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// How much memory what a file holds may take. Readers check claims against it before they take memory.
namespace iddpm {

/// Bytes of memory that this process may use: the machine's, or less where a control group that it is in (a container,
/// a batch system; versions 1 and 2) has a limit. `root` is where /proc and /sys lie.
std::uint64_t machine_memory(const std::filesystem::path& root = "/");

/// Bytes that a reader may take for what it reads at once: three quarters of the machine's memory unless set. Like the
/// number of threads, one for the whole process.
std::uint64_t memory_limit();
/// 0: the share again.
void set_memory_limit(std::uint64_t bytes);

/// Throws Error of kind out_of_memory if `bytes` are more than the limit. `what` needs them: "m.npz: array x".
void require_memory(std::uint64_t bytes, const std::string& what);

}  // namespace iddpm
