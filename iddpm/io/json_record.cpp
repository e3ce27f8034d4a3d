#include "iddpm/io/json_record.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

constexpr int deepest_nesting = 64;

template <typename Value>
bool holds(const nlohmann::json& json);
template <>
bool holds<bool>(const nlohmann::json& json) {
  return json.is_boolean();
}
template <>
bool holds<std::int64_t>(const nlohmann::json& json) {
  // A number beyond the range of signed ones is stored as unsigned.
  return json.is_number_integer() && (!json.is_number_unsigned() || json.get<std::uint64_t>() <= INT64_MAX);
}
template <>
bool holds<std::uint64_t>(const nlohmann::json& json) {
  return json.is_number_unsigned() || (json.is_number_integer() && json.get<std::int64_t>() >= 0);
}
template <>
bool holds<double>(const nlohmann::json& json) {
  return json.is_number();
}
template <>
bool holds<std::string>(const nlohmann::json& json) {
  return json.is_string();
}

template <typename Value>
struct Reader {
  static std::optional<Value> read(const nlohmann::json& json) {
    return holds<Value>(json) ? std::optional(json.get<Value>()) : std::nullopt;
  }
};
template <typename Element>
struct Reader<std::vector<Element>> {
  static std::optional<std::vector<Element>> read(const nlohmann::json& json) {
    if (!json.is_array() || !std::all_of(json.begin(), json.end(), holds<Element>)) return std::nullopt;
    return json.get<std::vector<Element>>();
  }
};

template <typename Value>
constexpr const char* expected = "";
template <>
constexpr const char* expected<bool> = "true or false";
template <>
constexpr const char* expected<std::int64_t> = "an integer";
template <>
constexpr const char* expected<std::uint64_t> = "an integer of at least 0";
template <>
constexpr const char* expected<double> = "a number";
template <>
constexpr const char* expected<std::string> = "a string";
template <>
constexpr const char* expected<std::vector<double>> = "a list of numbers";
template <>
constexpr const char* expected<std::vector<std::int64_t>> = "a list of integers";
template <>
constexpr const char* expected<std::vector<std::string>> = "a list of strings";

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    require(depth <= deepest_nesting, "{}: JSON nested more than {} deep", where, deepest_nesting);
    return true;
  };
  try {
    return nlohmann::json::parse(text, check_depth);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::damaged_file, "{}: broken JSON ({})", where, quote(error.what()));
  }
}

JsonRecord::JsonRecord(const nlohmann::json& json, std::string where) : json_(json), where_(std::move(where)) {
  require(json.is_object(), "{}: expected a JSON object, got {}", where_, json.type_name());
}

JsonRecord::JsonRecord(const nlohmann::json& json, std::string where, std::initializer_list<const char*> names)
    : JsonRecord(json, std::move(where)) {
  for (const auto& [name, value] : json.items()) {
    require(std::find(names.begin(), names.end(), name) != names.end(), "{}: unknown field {}", where_, quote(name));
  }
}

const nlohmann::json& JsonRecord::raw(const char* name) const {
  const auto found = json_.find(name);
  require(found != json_.end(), "{}: the field '{}' is missing", where_, name);
  return *found;
}

template <typename Value>
Value JsonRecord::get(const char* name) const {
  std::optional<Value> value = Reader<Value>::read(raw(name));
  require(value.has_value(), "{}: expected {} as '{}', got {}", where_, expected<Value>, name, raw(name).type_name());
  return *std::move(value);
}

template bool JsonRecord::get<bool>(const char*) const;
template std::int64_t JsonRecord::get<std::int64_t>(const char*) const;
template std::uint64_t JsonRecord::get<std::uint64_t>(const char*) const;
template double JsonRecord::get<double>(const char*) const;
template std::string JsonRecord::get<std::string>(const char*) const;
template std::vector<double> JsonRecord::get<std::vector<double>>(const char*) const;
template std::vector<std::int64_t> JsonRecord::get<std::vector<std::int64_t>>(const char*) const;
template std::vector<std::string> JsonRecord::get<std::vector<std::string>>(const char*) const;

}  // namespace iddpm
