#include "cli/options/values.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "iddpm/core/nearest_name.h"

namespace iddpm::cli {
namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `parse` gives a number or nothing; `expected` is the whole expectation, "1 to 64".
template <typename Number>
CLI::Validator in_range(std::optional<Number> (*parse)(std::string_view), Number low, Number high,
                        const std::string& expected) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        const std::optional<Number> value = parse(text);
        if (value && *value >= low && *value <= high) return {};
        return fmt::format("expected {}, got '{}'", expected, text);
      },
      "");
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) { return number_of<std::int64_t>(text); }

std::optional<std::uint64_t> unsigned_number(std::string_view text) { return number_of<std::uint64_t>(text); }

std::optional<double> decimal_number(std::string_view text) {
  const std::optional<double> value = number_of<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<bool> truth_value(std::string_view text) {
  for (const char* word : {"true", "yes", "on", "1"}) {
    if (text == word) return true;
  }
  for (const char* word : {"false", "no", "off", "0"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

CLI::Validator between(std::int64_t low, std::int64_t high) {
  return in_range(whole_number, low, high, fmt::format("a whole number from {} to {}", low, high));
}

CLI::Validator between(double low, double high) {
  return in_range(decimal_number, low, high, fmt::format("a number from {} to {}", low, high));
}

CLI::Validator at_least(std::int64_t low) {
  return in_range(whole_number, low, std::numeric_limits<std::int64_t>::max(),
                  fmt::format("a whole number of at least {}", low));
}

CLI::Validator at_least(double low) {
  return in_range(decimal_number, low, std::numeric_limits<double>::max(), fmt::format("a number of at least {}", low));
}

CLI::Validator one_of(std::vector<std::string> choices) {
  return CLI::Validator(
      [choices = std::move(choices)](std::string& text) -> std::string {
        if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
        return fmt::format("expected {}, got '{}'.{}", fmt::join(choices, ", "), text, did_you_mean(text, choices));
      },
      "");
}

CLI::Validator understood_by(std::function<void(const std::string&)> parse) {
  return CLI::Validator(
      [parse = std::move(parse)](std::string& text) -> std::string {
        try {
          parse(text);
        } catch (const Error& error) {
          return error.what();
        }
        return {};
      },
      "");
}

}  // namespace iddpm::cli
