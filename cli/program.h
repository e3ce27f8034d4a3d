#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

namespace iddpm::cli {

/// The program's command line: every verb with its options.
std::unique_ptr<CLI::App> make_program();

/// Carries out a command line (without the program's name). Throws what CLI11 throws, UsageError, and whatever the verb
/// does.
void carry_out(CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace iddpm::cli
