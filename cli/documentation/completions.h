#pragma once

#include <string>

#include "cli/documentation/program_description.h"

/// What completes verbs, options and their values in shells.
namespace iddpm::cli {

std::string bash_completion(const ProgramDescription& program);
std::string zsh_completion(const ProgramDescription& program);
std::string fish_completion(const ProgramDescription& program);

}  // namespace iddpm::cli
