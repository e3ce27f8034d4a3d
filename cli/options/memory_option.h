#pragma once

#include <CLI/App.hpp>

namespace iddpm::cli {

/// Adds --memory-limit to every verb of the program; it holds for the whole process.
void add_memory_option(CLI::App& app);

}  // namespace iddpm::cli
