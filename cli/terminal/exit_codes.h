#pragma once

namespace iddpm::cli {

inline constexpr int exit_failure = 1;        ///< the work couldn't be done
inline constexpr int exit_usage = 2;          ///< the command line is wrong
inline constexpr int exit_interrupted = 130;  ///< Ctrl-C or SIGTERM, after saving: 128 + SIGINT, as shells report it

/// Ends the program with a code once everything has been said.
struct ExitWith {
  int code;
};

}  // namespace iddpm::cli
