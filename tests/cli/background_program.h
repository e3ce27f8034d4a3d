#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/cli/program.h"

namespace iddpm::test {

/// `iddpm ARGUMENTS` at work in `folder` beside the test, without a shell in between; its output is in the file "out",
/// what it says in `errors`. Signals do what they do by default, whatever the test was started by; `prepare` runs in
/// the new process before.
class BackgroundProgram {
 public:
  BackgroundProgram(const std::filesystem::path& folder, const std::string& arguments,
                    const std::function<void()>& prepare = {}, const std::string& errors = "err")
      : folder_(folder) {
    const std::string command =
        "cd '" + folder.string() + "' && exec '" + IDDPM_BINARY_DIR + "/bin/iddpm' " + arguments + " >out 2>" + errors;
    process_ = fork();
    if (process_ == 0) {
      for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
      if (prepare) prepare();
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(99);
    }
  }
  ~BackgroundProgram() {
    if (ended_) return;
    send(SIGKILL);
    exit_code();
  }
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  pid_t process() const { return process_; }
  void send(int number) const { kill(process_, number); }

  /// Waits until something is so; no longer than the program runs, and a minute.
  bool wait_until(const std::function<bool()>& is_so) {
    for (int i = 0; i < 3000; ++i) {
      // In this order: what the program did before its end counts.
      const bool over = ended();
      if (is_so()) return true;
      if (over) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  /// The same until a file of the folder holds some words.
  bool wait_for(const std::string& file, const std::string& words) {
    return wait_until([&] { return text_of(folder_ / file).find(words) != std::string::npos; });
  }

  /// Of the program, once it has ended: 128 and the signal's number if one ended it.
  int exit_code() {
    if (!ended_) waitpid(process_, &status_, 0);
    ended_ = true;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }

 private:
  bool ended() {
    if (!ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
    return ended_;
  }

  std::filesystem::path folder_;
  pid_t process_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace iddpm::test
