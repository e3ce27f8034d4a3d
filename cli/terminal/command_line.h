#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <string>

#include "iddpm/core/formats.h"

namespace iddpm::cli {

/// Settings that all verbs share: help layout, option style.
void configure(CLI::App& app);

/// One sentence on what is wrong with the command line: for an unknown option or verb it suggests the nearest.
std::string explain(const CLI::App& app, const CLI::ParseError& error);

/// A file or folder for people: as typed if given, relative to the working directory where that is shorter.
std::string display_path(const std::filesystem::path& path);

/// Writes text to standard output and throws Error if that fails (a closed pipe, a full disk).
void print(const std::string& text);

/// What is said while working: to standard error, so that --json and pipes stay clean. Never fails.
void say(const std::string& text);

}  // namespace iddpm::cli
