#include "cli/documentation/manual_pages.h"

#include <fmt/format.h>

#include <cctype>

namespace iddpm::cli {
namespace {

std::string upper_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string header(const ProgramDescription& program, const std::string& page, const std::string& help) {
  const std::string summary = help.substr(0, help.find('\n'));
  return fmt::format(".TH {} 1 \"\" \"{} {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", upper_case(roff_text(page)),
                     program.name, program.version, roff_text(page), roff_text(summary));
}

std::string option_entry(const OptionDescription& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff_text(name));
  }
  const bool is_positional = !main_name(option).starts_with("-");
  const std::string value =
      option.value.empty() || is_positional ? "" : fmt::format(" \\fI{}\\fR", roff_text(option.value));
  return fmt::format(".TP\n{}{}{}{}\n{}\n", names, value, option.is_repeated ? " ..." : "",
                     option.is_required ? " (required)" : "", roff_text(option.help));
}

std::string options_section(const std::vector<OptionDescription>& options) {
  std::string text = ".SH OPTIONS\n";
  for (const std::string& group : groups_of(options)) {
    if (group != "Options") text += fmt::format(".SS {}\n", roff_text(group));
    for (const OptionDescription& option : options) {
      if (option.group == group) text += option_entry(option);
    }
  }
  return text;
}

// Lines as they stand, which is how --help shows them.
std::string verbatim_section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : fmt::format(".SH {}\n.nf\n{}\n.fi\n", title, roff_text(text));
}

std::string synopsis_of(const VerbDescription& verb) {
  std::string text = "[\\fIOPTION\\fR ...]";
  for (const OptionDescription& positional : verb.positionals) {
    const std::string name =
        fmt::format("\\fI{}\\fR{}", roff_text(upper_case(main_name(positional))), positional.is_repeated ? " ..." : "");
    text += positional.is_required ? " " + name : fmt::format(" [{}]", name);
  }
  return text;
}

}  // namespace

std::string roff_text(const std::string& text) {
  std::string escaped;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) escaped += "\\&";
    at_line_start = c == '\n';
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string manual_page(const ProgramDescription& program) {
  std::string page = header(program, program.name, program.help);
  page += fmt::format(".SH SYNOPSIS\n\\fB{0}\\fR \\fIVERB\\fR [\\fIOPTION\\fR ...]\n.SH DESCRIPTION\n{1}\n.SH VERBS\n",
                      program.name, roff_text(program.help));
  for (const VerbDescription& verb : program.verbs) {
    page += fmt::format(".TP\n\\fB{0}\\fR\n{1}: see \\fB{2}\\-{0}\\fR(1)\n", roff_text(verb.name), roff_text(verb.help),
                        program.name);
  }
  return page + options_section(program.options) + verbatim_section("EXAMPLES", program.footer);
}

std::string manual_page(const ProgramDescription& program, const VerbDescription& verb) {
  std::string page = header(program, program.name + "-" + verb.name, verb.help);
  page += fmt::format(".SH SYNOPSIS\n\\fB{} {}\\fR {}\n.SH DESCRIPTION\n{}.\n", program.name, roff_text(verb.name),
                      synopsis_of(verb), roff_text(verb.help));
  for (const OptionDescription& positional : verb.positionals) page += option_entry(positional);
  return page + options_section(verb.options) + verbatim_section("EXAMPLES", verb.footer) +
         fmt::format(".SH SEE ALSO\n\\fB{}\\fR(1)\n", program.name);
}

}  // namespace iddpm::cli
