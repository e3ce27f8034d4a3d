#include "cli/documentation/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace iddpm::cli {
namespace {

std::vector<std::string> names_of(const std::vector<OptionDescription>& options) {
  std::vector<std::string> names;
  for (const OptionDescription& option : options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::vector<std::string> verb_names_of(const ProgramDescription& program) {
  std::vector<std::string> names;
  for (const VerbDescription& verb : program.verbs) names.push_back(verb.name);
  return names;
}

// With a backslash before each of `special`.
std::string escaped(const std::string& text, const std::string& special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) result += '\\';
    result += c;
  }
  return result;
}

// In single quotes for sh and zsh, which end before each quote within.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// The line of a `case` that completes an option's value: its choices; nothing for numbers; files otherwise.
std::string bash_value_case(const OptionDescription& option) {
  const std::string pattern = fmt::format("{}", fmt::join(option.names, "|"));
  if (!option.choices.empty()) {
    return fmt::format("        {}) mapfile -t COMPREPLY < <(compgen -W {} -- \"$current\"); return ;;\n", pattern,
                       quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  }
  if (option.is_number) return fmt::format("        {}) return ;;\n", pattern);
  return fmt::format("        {}) mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n", pattern);
}

std::string zsh_argument(const OptionDescription& option, const std::string& name) {
  std::string value;
  if (!option.value.empty()) {
    const std::string action = !option.choices.empty() ? fmt::format("({})", fmt::join(option.choices, " "))
                               : option.is_number      ? ""
                                                       : "_files";
    value = fmt::format(":{}:{}", escaped(option.value, ":\\"), action);
  }
  return quoted(fmt::format("{}{}[{}]{}", option.is_repeated ? "*" : "", name, escaped(option.help, "[]\\"), value));
}

std::string fish_option(const OptionDescription& option) {
  std::string text;
  for (const std::string& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) {
    text += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  } else if (!option.value.empty()) {
    text += option.is_number ? " -x" : " -r -F";
  }
  return text + fmt::format(" -d '{}'", escaped(option.help, "'\\"));
}

}  // namespace

std::string bash_completion(const ProgramDescription& program) {
  std::string text = fmt::format(
      "# Completion of {0} for bash; written when {0} was built.\n_{0}() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} options=\n"
      "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{1} {2}' -- \"$current\")\n    return\n  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      program.name, fmt::join(verb_names_of(program), " "), fmt::join(names_of(program.options), " "));
  for (const VerbDescription& verb : program.verbs) {
    text += fmt::format("    {})\n      case $previous in\n", verb.name);
    for (const OptionDescription& option : verb.options) {
      if (!option.value.empty()) text += bash_value_case(option);
    }
    text += fmt::format("      esac\n      options='{}' ;;\n", fmt::join(names_of(verb.options), " "));
  }
  text += fmt::format(
      "  esac\n  case $current in\n    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\") ;;\n"
      "    *) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n  esac\n}}\n"
      "complete -o filenames -F _{0} {0}\n",
      program.name);
  return text;
}

std::string zsh_completion(const ProgramDescription& program) {
  std::string text = fmt::format(
      "#compdef {0}\n# Completion of {0} for zsh; written when {0} was built.\n_{0}() {{\n"
      "  if (( CURRENT == 2 )); then\n    local -a verbs=(\n",
      program.name);
  for (const VerbDescription& verb : program.verbs) {
    text += fmt::format("      {}\n", quoted(verb.name + ":" + escaped(verb.help, ":\\")));
  }
  text +=
      "    )\n    _describe verb verbs\n    return\n  fi\n  local verb=$words[2]\n  shift words\n  (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const VerbDescription& verb : program.verbs) {
    text += fmt::format("    {}) _arguments -s", verb.name);
    for (const OptionDescription& option : verb.options) {
      for (const std::string& name : option.names) text += " \\\n      " + zsh_argument(option, name);
    }
    text += " \\\n      '*:file:_files' ;;\n";
  }
  return text + fmt::format("  esac\n}}\n_{} \"$@\"\n", program.name);
}

std::string fish_completion(const ProgramDescription& program) {
  std::string text = fmt::format("# Completion of {0} for fish; written when {0} was built.\n", program.name);
  for (const OptionDescription& option : program.options) {
    text += fmt::format("complete -c {} -n __fish_use_subcommand{}\n", program.name, fish_option(option));
  }
  for (const VerbDescription& verb : program.verbs) {
    text += fmt::format("complete -c {} -f -n __fish_use_subcommand -a {} -d '{}'\n", program.name, verb.name,
                        escaped(verb.help, "'\\"));
    for (const OptionDescription& option : verb.options) {
      text += fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}'{}\n", program.name, verb.name,
                          fish_option(option));
    }
  }
  return text;
}

}  // namespace iddpm::cli
