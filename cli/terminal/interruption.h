#pragma once

#include <atomic>

namespace iddpm::cli {

/// From now on Ctrl-C and SIGTERM set the flag instead of ending the program; a second one ends it at once.
const std::atomic<bool>& catch_interruption();

}  // namespace iddpm::cli
