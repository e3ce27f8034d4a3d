#include "iddpm/core/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/core/quote.h"
#include "iddpm/core/strict_json.h"

namespace iddpm {
namespace {

constexpr std::size_t longest_list = 64;

template <typename Member>
using ValueOf = std::remove_pointer_t<Member>;
template <typename Value>
constexpr bool is_list = std::is_same_v<Value, std::vector<double>> || std::is_same_v<Value, std::vector<std::int64_t>>;

template <typename Number>
bool lies_within(const Field& field, Number number) {
  const auto value = static_cast<double>(number);
  return std::isfinite(value) && value >= field.least && value <= field.most;
}

template <typename Value>
bool lies_within(const Field& field, const std::vector<Value>& values) {
  return values.size() <= longest_list &&
         std::all_of(values.begin(), values.end(), [&](Value value) { return lies_within(field, value); });
}

// " from 1 to 64", " of at least 0", or nothing.
std::string range_text(const Field& field) {
  const auto text = [](double bound) {
    const bool is_whole = std::abs(bound) < 1e15 && bound == std::floor(bound);
    return is_whole ? fmt::format("{}", static_cast<std::int64_t>(bound)) : fmt::format("{}", bound);
  };
  if (std::isfinite(field.least) && std::isfinite(field.most)) {
    return fmt::format(" from {} to {}", text(field.least), text(field.most));
  }
  if (std::isfinite(field.least)) return " of at least " + text(field.least);
  if (std::isfinite(field.most)) return " of at most " + text(field.most);
  return "";
}

[[noreturn]] void fail_value(const Field& field, const FieldMember& member, const std::string& found,
                             const std::string& place) {
  fail("{}: expected {}, got {}", place, field_expectation(field, member), found);
}

// JSON as the number or truth value that a word of a command line spells, or as the word itself.
template <typename Value>
nlohmann::json parse_word(const std::string& word) {
  if constexpr (std::is_same_v<Value, bool>) {
    for (const char* yes : {"true", "yes", "on", "1"}) {
      if (word == yes) return true;
    }
    for (const char* no : {"false", "no", "off", "0"}) {
      if (word == no) return false;
    }
    return word;
  } else if constexpr (std::is_arithmetic_v<Value>) {
    Value value = {};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size()) return value;
    return word;
  } else {
    return word;
  }
}

nlohmann::json parse_words(const FieldMember& member, const std::vector<std::string>& words) {
  return std::visit(
      [&](const auto& target) -> nlohmann::json {
        using Value = ValueOf<std::decay_t<decltype(target)>>;
        if constexpr (is_list<Value>) {
          nlohmann::json list = nlohmann::json::array();
          for (const std::string& word : words) list.push_back(parse_word<typename Value::value_type>(word));
          return list;
        } else if constexpr (std::is_same_v<Value, ChoiceMember>) {
          std::string name = words.back();
          std::replace(name.begin(), name.end(), '-', '_');
          return name;
        } else {
          return parse_word<Value>(words.back());
        }
      },
      member);
}

nlohmann::json raw_json(const FieldMember& member) {
  return std::visit(
      [](const auto& target) -> nlohmann::json {
        if constexpr (std::is_same_v<std::decay_t<decltype(target)>, ChoiceMember>) {
          return target.get();
        } else {
          return *target;
        }
      },
      member);
}

// Whether the member could be set.
bool assign(const Field& field, const FieldMember& member, const nlohmann::json& json) {
  return std::visit(
      [&](const auto& target) {
        using Value = ValueOf<std::decay_t<decltype(target)>>;
        if constexpr (std::is_same_v<Value, ChoiceMember>) {
          const auto name = json_value<std::string>(json);
          const auto found = std::find(target.names.begin(), target.names.end(), name.value_or(""));
          if (!name.has_value() || found == target.names.end()) return false;
          target.set(static_cast<std::size_t>(found - target.names.begin()));
        } else {
          if (is_list<Value> && json.size() > longest_list) return false;
          auto value = json_value<Value>(json);
          if (!value.has_value()) return false;
          if constexpr (!std::is_same_v<Value, bool> && !std::is_same_v<Value, std::string>) {
            if (!lies_within(field, *value)) return false;
          }
          *target = *std::move(value);
        }
        return true;
      },
      member);
}

}  // namespace

std::string choice_name(ChoiceNames names, std::size_t value, const char* what) {
  require(value < names.size(), "{}: a value without a name ({})", what, value);
  return names[value];
}

std::size_t parse_choice(ChoiceNames names, const std::string& name, const char* what) {
  const auto found = std::find(names.begin(), names.end(), name);
  require(found != names.end(), "{}: expected one of {}, got {}", what, fmt::join(names, ", "), quote(name));
  return static_cast<std::size_t>(found - names.begin());
}

ChoiceMember one_of(std::string* member, ChoiceNames names) {
  return {names, [member] { return *member; }, [member, names](std::size_t value) { *member = names[value]; }};
}

nlohmann::json field_json(const Field& field, const FieldMember& member) {
  nlohmann::json json = raw_json(member);
  const auto is_finite = [](const nlohmann::json& value) {
    return !value.is_number_float() || std::isfinite(value.get<double>());
  };
  if (!(json.is_array() ? std::all_of(json.begin(), json.end(), is_finite) : is_finite(json))) {
    fail(ErrorKind::not_finite, "'{}': expected {}, got {}", field.name, field_expectation(field, member),
         field_text(member));
  }
  return json;
}

void check_field(const Field& field, const FieldMember& member, const std::string& place) {
  if (!assign(field, member, raw_json(member))) fail_value(field, member, field_text(member), place);
}

std::string field_text(const FieldMember& member) {
  return std::visit(
      [](const auto& target) -> std::string {
        using Value = ValueOf<std::decay_t<decltype(target)>>;
        if constexpr (std::is_same_v<Value, ChoiceMember>) {
          return target.get();
        } else if constexpr (is_list<Value>) {
          return target->empty() ? "none" : fmt::format("{}", fmt::join(*target, ", "));
        } else {
          return fmt::format("{}", *target);
        }
      },
      member);
}

std::string field_expectation(const Field& field, const FieldMember& member) {
  return std::visit(
      [&](const auto& target) -> std::string {
        using Value = ValueOf<std::decay_t<decltype(target)>>;
        if constexpr (std::is_same_v<Value, ChoiceMember>) {
          return fmt::format("one of {}", fmt::join(target.names, ", "));
        } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
          return fmt::format("an integer from 0 to {}", UINT64_MAX);
        } else if constexpr (is_list<Value>) {
          return fmt::format("at most {} {}{}", longest_list,
                             std::is_same_v<Value, std::vector<double>> ? "numbers" : "integers", range_text(field));
        } else {
          return expected_json<Value>() + range_text(field);
        }
      },
      member);
}

void set_field(const Field& field, const FieldMember& member, const nlohmann::json& value, const std::string& place) {
  if (!assign(field, member, value)) fail_value(field, member, json_text(value), place);
}

void set_field(const Field& field, const FieldMember& member, const std::vector<std::string>& words,
               const std::string& place) {
  if (words.empty() || !assign(field, member, parse_words(member, words))) {
    fail_value(field, member, quote(fmt::format("{}", fmt::join(words, ","))), place);
  }
}

FieldReader::FieldReader(const nlohmann::json& json, std::string where, std::int64_t format)
    : json_(json), where_(std::move(where)), format_(format) {
  require(json.is_object(), "{}: expected a JSON object, got {}", where_, json.type_name());
}

void FieldReader::read(const Field& field, const FieldMember& member) {
  names_.emplace_back(field.name);
  const auto found = json_.find(field.name);
  if (found != json_.end()) {
    set_field(field, member, *found, fmt::format("{}, '{}'", where_, field.name));
  } else {
    require(format_ < field.since, "{}: the field '{}' is missing", where_, field.name);
    set_field(field, member, parse_json(field.before, field.name), field.name);
  }
}

void FieldReader::finish() const {
  for (const auto& [name, value] : json_.items()) {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
    fail("{}: unknown field {}.{}", where_, quote(name), did_you_mean(name, names_));
  }
}

}  // namespace iddpm
