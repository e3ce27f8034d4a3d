#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "iddpm/core/fields.h"

namespace iddpm::cli {

/// The options that a settings struct's list of fields makes (iddpm/core/fields.h), and what a command line said of
/// them. Must outlive the parsing.
class FieldOptions {
 public:
  /// Adds an option to `verb` for each field that has one. Its value is checked against the field when it is parsed.
  template <typename Settings>
  void add_to(CLI::App& verb, const std::string& group) {
    const auto settings = std::make_shared<Settings>();
    scratch_ = settings;
    visit_fields(*settings, [&](const Field& field, const FieldMember& member) {
      if (field.option != nullptr) add_option(verb, group, field, member);
    });
  }

  bool given(const std::string& field) const { return words_.contains(field); }

  /// Sets the fields that were given.
  template <typename Settings>
  void apply_to(Settings& settings) const {
    visit_fields(settings, [&](const Field& field, const FieldMember& member) {
      if (given(field.name)) set_field(field, member, words_.at(field.name), field.option);
    });
  }

 private:
  void add_option(CLI::App& verb, const std::string& group, const Field& field, const FieldMember& member);

  std::shared_ptr<void> scratch_;  ///< settings to try values on
  std::map<std::string, std::vector<std::string>> words_;
};

}  // namespace iddpm::cli
