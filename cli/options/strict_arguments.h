#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace iddpm::cli {

/// Makes every option of every verb read its value as it is written, by its type: CLI11 alone takes 010 for 8, -1 for
/// 2^64 - 1, "" for no value and inf for a number. Called once, after all options were added.
void read_values_strictly(CLI::App& app);

/// What only shows before options are parsed: an option given twice that takes one value, an option where another
/// one's value should be, a value behind a flag, an element missing in a list. `arguments` as main has them, without
/// the program's name. Throws UsageError naming the option.
void check_arguments(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace iddpm::cli
