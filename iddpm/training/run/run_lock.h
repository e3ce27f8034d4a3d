#pragma once

#include <filesystem>

namespace iddpm {

/// One run, one process: held while a process trains in a run folder. The system lets go of it when the process ends,
/// however it ends; the file RUN/.lock stays.
class RunLock {
 public:
  /// Throws Error that names the other process if there is one, or if the folder can't be written. On a file system
  /// without locks nothing is locked.
  explicit RunLock(const std::filesystem::path& run_folder);
  ~RunLock();
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;

  static constexpr const char* file_name = ".lock";

 private:
  int descriptor_ = -1;
};

}  // namespace iddpm
