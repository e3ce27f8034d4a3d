#pragma once

#include <CLI/App.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

namespace iddpm::cli {

/// The program's command line: every verb with its options.
std::unique_ptr<CLI::App> make_program();

/// The verbs that several processes can do together; the others work in one.
inline constexpr std::array verbs_that_work_together = {"train", "sample"};
inline bool works_together(const std::string& verb) {
  return std::find(verbs_that_work_together.begin(), verbs_that_work_together.end(), verb) !=
         verbs_that_work_together.end();
}

/// Carries out a command line (without the program's name). Throws what CLI11 throws, UsageError, and whatever the verb
/// does.
void carry_out(CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace iddpm::cli
