#include "cli/options/effect.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/options/values.h"

namespace iddpm::cli {
namespace {

void refuse_if_given(const CLI::Option& option, const std::string& why) {
  if (option.count() > 0) throw UsageError(fmt::format("{} has no effect {}", option.get_name(), why));
}

}  // namespace

void refuse_idle(const CLI::App& verb, const std::vector<std::string>& options, const std::string& why) {
  for (const std::string& name : options) refuse_if_given(*verb.get_option(name), why);
}

void refuse_idle_but(const CLI::App& verb, const std::vector<std::string>& options, const std::string& why) {
  for (const CLI::Option* option : verb.get_options()) {
    const bool named = std::any_of(options.begin(), options.end(),
                                   [&](const std::string& name) { return option == verb.get_option(name); });
    if (!named && !option->get_positional()) refuse_if_given(*option, why);
  }
}

}  // namespace iddpm::cli
