#pragma once

#include <cstdint>
#include <memory>

namespace iddpm::kernels {

/// When threads that wait for others should sleep at once instead of spinning: where other programs want the processor,
/// as the number of times tells that this process was made to give it up.
class PatienceControl {
 public:
  /// A second with so many involuntary context switches; returns whether to be patient in the next.
  bool update(std::int64_t switches);

 private:
  bool patient_ = false;
  std::int64_t quiet_seconds_ = 0;
  std::int64_t quiet_seconds_needed_ = 10;
};

/// While it lives, OpenMP's threads spin where the machine is quiet (the next piece of work comes within microseconds),
/// and sleep where it is shared: spinning then takes the time from the very threads that are waited for. With two
/// threads on two cores and other programs at work, training was seen to be 5 to 10 times slower without.
///
/// GNU's OpenMP takes its settings from the environment before main. But it spins hardly at all while it manages more
/// threads than there are processors, and that can be had at any time: by a team of threads that do nothing. Whoever
/// sets OMP_WAIT_POLICY or GOMP_SPINCOUNT has decided; then nothing is done here.
class ThreadPatience {
 public:
  ThreadPatience();
  ~ThreadPatience();
  ThreadPatience(const ThreadPatience&) = delete;
  ThreadPatience& operator=(const ThreadPatience&) = delete;

 private:
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace iddpm::kernels
