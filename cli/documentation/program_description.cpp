#include "cli/documentation/program_description.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace iddpm::cli {
namespace {

// "none|linear|cosine".
std::vector<std::string> listed_choices(const std::string& value) {
  std::vector<std::string> choices;
  if (value.find('|') == std::string::npos) return choices;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find('|', begin), value.size());
    choices.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return choices;
}

OptionDescription described_option(const CLI::Option& option) {
  OptionDescription described;
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  if (described.names.empty()) described.names.push_back(option.get_name());
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    described.value = type.substr(0, type.find(':'));  // "INT" of "INT:POSITIVE", type and checks
    described.choices = listed_choices(described.value);
    described.is_number = described.value == "INT" || described.value == "UINT" || described.value == "FLOAT";
    if (described.value.empty() || described.value == "TEXT") described.value = "VALUE";
  }
  described.is_repeated = option.get_expected_max() == CLI::detail::expected_max_vector_size;
  described.is_required = option.get_required();
  described.help = option.get_description();
  described.group = option.get_group();
  return described;
}

void describe_options(const CLI::App& app, std::vector<OptionDescription>& options,
                      std::vector<OptionDescription>* positionals) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    if (option->nonpositional()) {
      options.push_back(described_option(*option));
    } else if (positionals != nullptr) {
      positionals->push_back(described_option(*option));
    }
  }
}

}  // namespace

ProgramDescription describe_program(CLI::App& program, const std::string& version) {
  ProgramDescription description{.name = program.get_name(),
                                 .help = program.get_description(),
                                 .footer = program.get_footer(),
                                 .version = version};
  describe_options(program, description.options, nullptr);
  for (const CLI::App* app : program.get_subcommands([](const CLI::App*) { return true; })) {
    VerbDescription verb{.name = app->get_name(), .help = app->get_description(), .footer = app->get_footer()};
    describe_options(*app, verb.options, &verb.positionals);
    description.verbs.push_back(std::move(verb));
  }
  return description;
}

std::vector<std::string> groups_of(const std::vector<OptionDescription>& options) {
  std::vector<std::string> groups;
  for (const OptionDescription& option : options) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) groups.push_back(option.group);
  }
  return groups;
}

const std::string& main_name(const OptionDescription& option) { return option.names.front(); }

}  // namespace iddpm::cli
