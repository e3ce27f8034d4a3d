#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The one way in which JSON from files is read: bounded, and strict about what it holds.
namespace iddpm {

/// JSON from a file that a stranger may have written. Throws Error beginning with `where` if it is no JSON; and, before
/// any of it is stored, if it is nested more than 64 deep or holds more than a million values.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// A value of JSON: bool, std::int64_t, std::uint64_t, double, std::string, or a vector of one of them; unset if it is
/// of another type or out of the type's range.
template <typename Value>
std::optional<Value> json_value(const nlohmann::json& json);

/// What json_value expects, for messages: "an integer", "a list of numbers".
template <typename Value>
const char* expected_json();

/// A value of JSON for messages, shortened.
std::string json_text(const nlohmann::json& json);

/// The fields of a JSON object, read strictly: each read throws Error, beginning with `where`, if the field is missing
/// or of another type, and the constructor if there is a field that isn't named.
class JsonRecord {
 public:
  JsonRecord(const nlohmann::json& json, std::string where, std::initializer_list<const char*> names);
  /// Any fields.
  JsonRecord(const nlohmann::json& json, std::string where);

  /// A field of json_value's types. To fill a struct, `read` into a member of one that is there: g++ 12 destroys a
  /// member twice where a later initialiser of the same braces throws.
  template <typename Value>
  Value get(const char* name) const;
  template <typename Value>
  void read(const char* name, Value& value) const {
    value = get<Value>(name);
  }
  /// Unset if the field is null.
  template <typename Value>
  void read(const char* name, std::optional<Value>& value) const {
    value = get_optional<Value>(name);
  }
  template <typename Value>
  std::optional<Value> get_optional(const char* name) const {
    if (raw(name).is_null()) return std::nullopt;
    return get<Value>(name);
  }
  /// Any JSON.
  const nlohmann::json& raw(const char* name) const;

 private:
  const nlohmann::json& json_;
  std::string where_;
};

}  // namespace iddpm
