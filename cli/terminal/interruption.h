#pragma once

#include <atomic>

namespace iddpm::cli {

/// From now on Ctrl-C, SIGTERM and SIGHUP (the terminal is gone) set the flag instead of ending the program; a second
/// Ctrl-C or SIGTERM ends it at once. A signal that was ignored when the program began, as SIGHUP is under nohup, stays
/// ignored.
const std::atomic<bool>& catch_interruption();

}  // namespace iddpm::cli
