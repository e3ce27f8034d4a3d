#pragma once

#include <string>

#include "cli/documentation/program_description.h"

namespace iddpm::cli {

/// iddpm(1), in the macros of man(7).
std::string manual_page(const ProgramDescription& program);
/// iddpm-train(1) and so on.
std::string manual_page(const ProgramDescription& program, const VerbDescription& verb);

/// Text as roff shows it: backslashes and hyphens as they are, no line a request.
std::string roff_text(const std::string& text);

}  // namespace iddpm::cli
