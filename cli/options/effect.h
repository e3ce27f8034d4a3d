#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace iddpm::cli {

/// Refuses options that would be ignored: throws UsageError, "--samples has no effect without --reference", if one of
/// these was given. `why` follows "has no effect".
void refuse_idle(const CLI::App& verb, const std::vector<std::string>& options, const std::string& why);

/// The same for every option but these.
void refuse_idle_but(const CLI::App& verb, const std::vector<std::string>& options, const std::string& why);

}  // namespace iddpm::cli
