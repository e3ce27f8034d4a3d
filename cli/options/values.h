#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm::cli {

/// A command line that can't be meant: ends the program with exit_usage.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A whole number as people write it: digits, perhaps a minus. No spaces, no 0x10, no 1e3, nothing behind it, nothing
/// that doesn't fit.
std::optional<std::int64_t> whole_number(std::string_view text);
std::optional<std::uint64_t> unsigned_number(std::string_view text);
/// A decimal number, perhaps with an exponent: 0.5, -2, 1e-4. Neither nan nor inf, nothing that doesn't fit.
std::optional<double> decimal_number(std::string_view text);
/// true, yes, on, 1, or false, no, off, 0.
std::optional<bool> truth_value(std::string_view text);

/// Checks of an option's value for CLI::Option::check, in words that say what is expected and what was found.
CLI::Validator between(std::int64_t low, std::int64_t high);
CLI::Validator between(double low, double high);
CLI::Validator at_least(std::int64_t low);
CLI::Validator at_least(double low);
CLI::Validator one_of(std::vector<std::string> choices);
/// What `parse` doesn't throw an Error at.
CLI::Validator understood_by(std::function<void(const std::string&)> parse);

}  // namespace iddpm::cli
