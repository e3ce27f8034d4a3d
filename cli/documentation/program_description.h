#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

/// What the command line says of itself, from which manual pages and shells' completions are written.
namespace iddpm::cli {

struct OptionDescription {
  std::vector<std::string> names = {};    ///< "--help" and "-h"; of a positional its bare name
  std::string value = {};                 ///< what it takes, for people: "INT", "VALUE"; empty for a flag
  std::vector<std::string> choices = {};  ///< the values there are, if they are listed
  bool is_number = false;
  bool is_repeated = false;
  bool is_required = false;
  std::string help = {};
  std::string group = {};
};

struct VerbDescription {
  std::string name = {};
  std::string help = {};
  std::string footer = {};  ///< examples
  std::vector<OptionDescription> positionals = {};
  std::vector<OptionDescription> options = {};
};

struct ProgramDescription {
  std::string name = {};
  std::string help = {};
  std::string footer = {};
  std::string version = {};
  std::vector<OptionDescription> options = {};
  std::vector<VerbDescription> verbs = {};
};

ProgramDescription describe_program(CLI::App& program, const std::string& version);

/// "Options" of a verb, with those of one group after the other, in the order of --help.
std::vector<std::string> groups_of(const std::vector<OptionDescription>& options);

/// The option's name that is shown alone: "--help".
const std::string& main_name(const OptionDescription& option);

}  // namespace iddpm::cli
