#include "cli/options/strict_arguments.h"

#include <CLI/CLI.hpp>
#include <map>

#include "cli/options/values.h"

namespace iddpm::cli {
namespace {

// "INT" of "INT:POSITIVE", which is how CLI11 names a type with its checks.
std::string type_of(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.substr(0, name.find(':'));
}

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// Reads `text` as `parse` does and puts the plain form of the value in its place, which nothing can misread.
template <typename Value>
std::string read_as(std::optional<Value> (*parse)(std::string_view), const char* expected, std::string& text) {
  const std::optional<Value> value = parse(text);
  // None of the program's numbers is negative.
  if (!value || text.front() == '-') return fmt::format("expected {}, got '{}'", expected, text);
  text = fmt::format("{}", *value);
  return {};
}

std::string read_strictly(const std::string& type, std::string& text) {
  if (type == "INT") return read_as(whole_number, "a whole number of at least 0", text);
  if (type == "UINT") return read_as(unsigned_number, "a whole number from 0 to 2^64 - 1", text);
  if (type == "FLOAT") return read_as(decimal_number, "a number of at least 0, such as 0.5", text);
  if (type == "BOOLEAN") return read_as(truth_value, "true or false", text);
  if (type.starts_with("N,") && (text.starts_with('-') || text.find(",-") != std::string::npos)) {
    return fmt::format("expected numbers of at least 0, got '{}'", text);
  }
  return text.empty() ? "expected a value, got an empty one" : "";
}

// The arguments of a verb, one option after the other.
class ArgumentReader {
 public:
  ArgumentReader(const CLI::App& verb, const std::vector<std::string>& arguments)
      : verb_(verb), arguments_(arguments) {}

  // From the argument of this position on.
  void read(std::size_t position) {
    for (std::size_t i = position; i < arguments_.size() && arguments_[i] != "--"; ++i) {
      const std::string& argument = arguments_[i];
      if (!argument.starts_with("--")) continue;
      const std::size_t equals = argument.find('=');
      const CLI::Option* option = verb_.get_option_no_throw(argument.substr(0, equals));
      if (option == nullptr) continue;  // CLI11 tells
      const std::string name = argument.substr(0, equals);
      const bool has_value = equals != std::string::npos;
      require_once(*option, name);
      if (is_flag(*option)) {
        if (has_value) throw UsageError(fmt::format("{} takes no value, got '{}'", name, argument.substr(equals + 1)));
        continue;
      }
      if (has_value) {
        check_value(*option, name, argument.substr(equals + 1));
        continue;
      }
      ++i;
      if (i == arguments_.size()) throw UsageError(fmt::format("{} needs a value, got none", name));
      if (seems_option(arguments_[i])) {
        throw UsageError(fmt::format("{} needs a value, got '{}' (a value that begins so is written {}={})", name,
                                     arguments_[i], name, arguments_[i]));
      }
      check_value(*option, name, arguments_[i]);
    }
  }

 private:
  void require_once(const CLI::Option& option, const std::string& name) {
    const bool collects = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    if (++times_[&option] == 2 && !collects) {
      throw UsageError(fmt::format("{} is given twice; expected one value", name));
    }
  }

  // What is one, and what was probably meant to be one: "--stps", but not the flags of another program in quotes.
  bool seems_option(const std::string& argument) const {
    if (!argument.starts_with("--")) return false;
    return verb_.get_option_no_throw(argument.substr(0, argument.find('='))) != nullptr ||
           argument.find_first_of(" =") == std::string::npos;
  }

  static void check_value(const CLI::Option& option, const std::string& name, const std::string& value) {
    const char delimiter = option.get_delimiter();
    if (value.empty()) throw UsageError(fmt::format("{}: expected a value, got an empty one", name));
    if (delimiter == '\0') return;
    const std::string twice(2, delimiter);
    if (value.front() == delimiter || value.back() == delimiter || value.find(twice) != std::string::npos) {
      throw UsageError(fmt::format("{}: expected a list such as 1{}2, got '{}'", name, delimiter, value));
    }
  }

  const CLI::App& verb_;
  const std::vector<std::string>& arguments_;
  std::map<const CLI::Option*, int> times_;
};

}  // namespace

void read_values_strictly(CLI::App& app) {
  for (CLI::App* verb : app.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : verb->get_options()) {
      if (is_flag(*option)) continue;
      // In front of the other checks, which see the plain form.
      option->transform(
          CLI::Validator([type = type_of(*option)](std::string& text) { return read_strictly(type, text); }, ""));
    }
  }
}

void check_arguments(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) return;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == arguments.front()) ArgumentReader(*verb, arguments).read(1);
  }
}

}  // namespace iddpm::cli
