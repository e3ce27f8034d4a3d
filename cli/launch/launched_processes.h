#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace iddpm::cli {

/// What processes are to be started with.
struct Launch {
  std::vector<std::string> command = {};  ///< of the program, without its name
  std::int64_t processes = 1;
  std::int64_t restarts = 0;  ///< how often they have been started before
  std::string name = {};      ///< of all attempts together
};

/// How an attempt ended.
struct LaunchEnd {
  int exit_code = 0;         ///< of the first process that failed; 0: all have done their work
  std::string failure = {};  ///< which process failed, and how
};

/// Processes of this program on this machine, each with the variables that torchrun would set. Rank 0 has the terminal;
/// what the others say comes to standard error line by line, with their rank. All end with this process, however it
/// ends.
class LaunchedProcesses {
 public:
  /// Throws Error if one can't be started.
  explicit LaunchedProcesses(const Launch& launch);
  /// Ends those that still run.
  ~LaunchedProcesses();
  LaunchedProcesses(const LaunchedProcesses&) = delete;
  LaunchedProcesses& operator=(const LaunchedProcesses&) = delete;

  /// Waits for the end of all. If one fails, the others have some time to find out and say so, and are then killed.
  /// Once `stop` is set all are asked to end (SIGTERM).
  LaunchEnd wait(const std::atomic<bool>& stop);

 private:
  struct Process {
    std::int64_t rank = 0;
    pid_t id = -1;
    int output = -1;  ///< of what it says; -1: none
    std::string line = {};
    std::optional<int> status = {};
  };
  void start(const Launch& launch, std::int64_t rank, std::int64_t port);
  void relay(int milliseconds);
  void take_output(Process& process);
  bool look_for_ends();
  void send(int signal);

  std::vector<Process> processes_;
  std::optional<std::size_t> first_failure_;
};

}  // namespace iddpm::cli
