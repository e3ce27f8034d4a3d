#include "cli/terminal/interruption.h"

#include <csignal>

namespace iddpm::cli {
namespace {

// A signal handler can reach nothing but globals.
std::atomic<bool> interrupted{false};
std::atomic<bool> asked_by_a_person{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// A terminal that goes away may send SIGHUP several times, and those who end a session SIGTERM besides: only a second
// Ctrl-C or SIGTERM means that saving is not to be waited for.
void handle(int signal) {
  interrupted = true;
  if (signal != SIGHUP && asked_by_a_person.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

}  // namespace

const std::atomic<bool>& catch_interruption() {
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
  return interrupted;
}

}  // namespace iddpm::cli
