#include "iddpm/core/strict_json.h"

#include <algorithm>
#include <type_traits>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/core/quote.h"

namespace iddpm {
namespace {

constexpr int deepest_nesting = 64;
constexpr std::size_t most_values = 1'000'000;

template <typename Value>
constexpr bool is_json_list = false;
template <typename Element>
constexpr bool is_json_list<std::vector<Element>> = true;

// Follows brackets and commas outside strings, whether or not the rest is JSON: a bound on what a parser would store.
void check_extent(std::string_view text, const std::string& where) {
  int depth = 0;
  std::size_t values = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++values;
      require(++depth <= deepest_nesting, ErrorKind::damaged_file, "{}: JSON nested more than {} deep", where,
              deepest_nesting);
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',') {
      ++values;
    }
    require(values <= most_values, ErrorKind::damaged_file, "{}: JSON of more than {} values", where, most_values);
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  check_extent(text, where);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::damaged_file, "{}: broken JSON ({})", where, quote(error.what()));
  }
}

template <typename Value>
std::optional<Value> json_value(const nlohmann::json& json) {
  if constexpr (is_json_list<Value>) {
    if (!json.is_array()) return std::nullopt;
    Value values;
    for (const nlohmann::json& item : json) {
      auto value = json_value<typename Value::value_type>(item);
      if (!value.has_value()) return std::nullopt;
      values.push_back(*std::move(value));
    }
    return values;
  } else {
    bool holds = false;
    if constexpr (std::is_same_v<Value, bool>) {
      holds = json.is_boolean();
    } else if constexpr (std::is_same_v<Value, std::int64_t>) {
      // A number beyond the range of signed ones is stored as unsigned.
      holds = json.is_number_integer() && (!json.is_number_unsigned() || json.get<std::uint64_t>() <= INT64_MAX);
    } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
      holds = json.is_number_unsigned() || (json.is_number_integer() && json.get<std::int64_t>() >= 0);
    } else if constexpr (std::is_same_v<Value, double>) {
      holds = json.is_number();
    } else {
      holds = json.is_string();
    }
    return holds ? std::optional(json.get<Value>()) : std::nullopt;
  }
}

template <typename Value>
const char* expected_json() {
  if constexpr (std::is_same_v<Value, bool>) return "true or false";
  if constexpr (std::is_same_v<Value, std::int64_t>) return "an integer";
  if constexpr (std::is_same_v<Value, std::uint64_t>) return "an integer of at least 0";
  if constexpr (std::is_same_v<Value, double>) return "a number";
  if constexpr (std::is_same_v<Value, std::string>) return "a string";
  if constexpr (std::is_same_v<Value, std::vector<double>>) return "a list of numbers";
  if constexpr (std::is_same_v<Value, std::vector<std::int64_t>>) return "a list of integers";
  if constexpr (std::is_same_v<Value, std::vector<std::string>>) return "a list of strings";
}

std::string json_text(const nlohmann::json& json) {
  constexpr std::size_t longest = 60;
  // Long containers aren't written out for a few characters.
  if (json.is_structured() && json.size() > longest) return fmt::format("an {} of {}", json.type_name(), json.size());
  std::string text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  return text;
}

JsonRecord::JsonRecord(const nlohmann::json& json, std::string where) : json_(json), where_(std::move(where)) {
  require(json.is_object(), "{}: expected a JSON object, got {}", where_, json.type_name());
}

JsonRecord::JsonRecord(const nlohmann::json& json, std::string where, std::initializer_list<const char*> names)
    : JsonRecord(json, std::move(where)) {
  const std::vector<std::string> known(names.begin(), names.end());
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    fail("{}: unknown field {}.{}", where_, quote(name), did_you_mean(name, known));
  }
}

const nlohmann::json& JsonRecord::raw(const char* name) const {
  const auto found = json_.find(name);
  require(found != json_.end(), "{}: the field '{}' is missing", where_, name);
  return *found;
}

template <typename Value>
Value JsonRecord::get(const char* name) const {
  const nlohmann::json& json = raw(name);
  std::optional<Value> value = json_value<Value>(json);
  require(value.has_value(), "{}: expected {} as '{}', got {}", where_, expected_json<Value>(), name, json_text(json));
  return *std::move(value);
}

#define IDDPM_JSON_VALUE(...)                                                         \
  template std::optional<__VA_ARGS__> json_value<__VA_ARGS__>(const nlohmann::json&); \
  template const char* expected_json<__VA_ARGS__>();                                  \
  template __VA_ARGS__ JsonRecord::get<__VA_ARGS__>(const char*) const;
IDDPM_JSON_VALUE(bool)
IDDPM_JSON_VALUE(std::int64_t)
IDDPM_JSON_VALUE(std::uint64_t)
IDDPM_JSON_VALUE(double)
IDDPM_JSON_VALUE(std::string)
IDDPM_JSON_VALUE(std::vector<double>)
IDDPM_JSON_VALUE(std::vector<std::int64_t>)
IDDPM_JSON_VALUE(std::vector<std::string>)
#undef IDDPM_JSON_VALUE

}  // namespace iddpm
