#include "cli/terminal/interruption.h"

#include <array>
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

constexpr std::array<int, 3> heeded_signals = {SIGINT, SIGTERM, SIGHUP};

bool is_ignored(int signal) {
  struct sigaction now {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

// Looked at before shared libraries are initialised (.preinit_array): UCX, which Debian 13's LibTorch loads by way of
// Gloo and MPI, catches SIGHUP while it is loaded.
std::array<bool, heeded_signals.size()> ignored_at_start{};
void remember_ignored_signals() {
  for (std::size_t i = 0; i < heeded_signals.size(); ++i) ignored_at_start[i] = is_ignored(heeded_signals[i]);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*at_start)() = remember_ignored_signals;

}  // namespace

const std::atomic<bool>& catch_interruption() {
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < heeded_signals.size(); ++i) {
    action.sa_handler = ignored_at_start[i] ? SIG_IGN : handle;
    sigaction(heeded_signals[i], &action, nullptr);
  }
  return interrupted;
}

}  // namespace iddpm::cli
