#pragma once

#include <string>

namespace iddpm::cli {

/// Throws Error unless it is a specification of steps, whatever the process that it is of.
void check_respacing(const std::string& specification);

}  // namespace iddpm::cli
