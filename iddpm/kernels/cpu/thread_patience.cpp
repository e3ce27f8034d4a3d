#include "iddpm/kernels/cpu/thread_patience.h"

#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

namespace iddpm::kernels {
namespace {

// Quiet machines were seen to have a handful to 50 (the kernel's own threads), one shared with a single program 100 to
// 200.
constexpr std::int64_t switches_of_a_shared_machine = 80;
constexpr std::int64_t most_quiet_seconds_needed = 300;

std::int64_t involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

/// A flag that a thread can wait for.
class StopSignal {
 public:
  void raise() {
    {
      const std::lock_guard lock(mutex_);
      raised_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return raised_; });
  }
  bool wait_for(std::chrono::seconds duration) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, duration, [this] { return raised_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool raised_ = false;
};

/// More threads than processors, all asleep: OpenMP keeps a team for the next parallel region of the thread that it
/// belongs to, which never comes.
class SleepingTeam {
 public:
  SleepingTeam() : owner_([this] { sleep(); }) {}
  ~SleepingTeam() {
    end_.raise();
    owner_.join();
  }
  SleepingTeam(const SleepingTeam&) = delete;
  SleepingTeam& operator=(const SleepingTeam&) = delete;

 private:
  void sleep() {
    std::atomic<int> members{0};  // so that the region isn't empty
#pragma omp parallel num_threads(omp_get_num_procs() + 1)
    ++members;
    end_.wait();
  }

  StopSignal end_;
  std::thread owner_;
};

}  // namespace

bool PatienceControl::update(std::int64_t switches) {
  if (switches > switches_of_a_shared_machine) {
    // Shared again soon after it seemed quiet: not to be tried that often.
    if (!patient_ && quiet_seconds_ > 0) {
      quiet_seconds_needed_ = std::min(2 * quiet_seconds_needed_, most_quiet_seconds_needed);
    }
    patient_ = true;
    quiet_seconds_ = 0;
  } else if (patient_ && ++quiet_seconds_ >= quiet_seconds_needed_) {
    patient_ = false;
  }
  return patient_;
}

struct ThreadPatience::Watch {
  Watch() : thread([this] { watch(); }) {}
  ~Watch() {
    end.raise();
    thread.join();
  }
  void watch() {
    // Threads that start up push each other aside: the first second tells nothing.
    if (end.wait_for(std::chrono::seconds(1))) return;
    PatienceControl control;
    std::optional<SleepingTeam> team;
    std::int64_t before = involuntary_switches();
    while (!end.wait_for(std::chrono::seconds(1))) {
      const std::int64_t now = involuntary_switches();
      const bool patient = control.update(now - before);
      before = now;
      if (patient && !team) team.emplace();
      if (!patient) team.reset();
    }
  }

  StopSignal end;
  std::thread thread;
};

ThreadPatience::ThreadPatience() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr && std::getenv("GOMP_SPINCOUNT") == nullptr) {
    watch_ = std::make_unique<Watch>();
  }
}

ThreadPatience::~ThreadPatience() = default;

}  // namespace iddpm::kernels
