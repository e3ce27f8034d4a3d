#include "cli/terminal/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/terminal/standard_streams.h"
#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"

namespace iddpm::cli {
namespace {

// The subcommand whose options were being parsed, or the program itself.
const CLI::App& parsed_app(const CLI::App& app) {
  const auto subcommands = app.get_subcommands();
  return subcommands.empty() ? app : *subcommands.front();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) names.push_back(verb->get_name());
  return names;
}

}  // namespace

void configure(CLI::App& app) {
  // An option given again replaces what stood before, so that scripts can append to a list of options.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("TEXT", "");
  app.get_formatter()->label("REQUIRED", "(required)");
  app.get_formatter()->label("SUBCOMMANDS", "Verbs");
  app.get_formatter()->label("SUBCOMMAND", "VERB");
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = parsed_app(app);
  const std::string help = &verb == &app ? "'iddpm --help'" : "'iddpm " + verb.get_name() + " --help'";
  const std::vector<std::string> unknown = verb.remaining();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !unknown.empty()) {
    // "--steps=5" is about "--steps".
    const std::string name = unknown.front().substr(0, unknown.front().find('='));
    if (name.starts_with("-")) {
      return fmt::format("unknown option '{}' for {}.{} See {}.", name, verb.get_name(),
                         did_you_mean(name, option_names(verb)), help);
    }
    if (&verb == &app) {
      return fmt::format("unknown verb '{}'.{} See {}.", name, did_you_mean(name, verb_names(app)), help);
    }
    return fmt::format("unexpected argument '{}' for {}. See {}.", name, verb.get_name(), help);
  }
  if (&verb == &app && !app.remaining().empty()) {
    const std::string name = app.remaining().front();
    return fmt::format("unknown verb '{}'.{} See {}.", name, did_you_mean(name, verb_names(app)), help);
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && &verb == &app) {
    return "expected a verb: train, sample, evaluate, train-features, train-classifier, respace, info, convert, "
           "figures, "
           "reproduce, report, benchmark or launch. See 'iddpm --help'.";
  }
  return fmt::format("{}. See {}.", error.what(), help);
}

std::string display_path(const std::filesystem::path& path) {
  std::error_code error;
  const auto relative = std::filesystem::proximate(path, error);
  if (error || relative.string().size() >= path.string().size()) return path.string();
  return relative.string();
}

void print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  require(written, "standard output can't be written: {}", std::strerror(errno));
}

void say(const std::string& text) { write_to_standard_error(text + "\n"); }

}  // namespace iddpm::cli
