#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"

namespace iddpm::capi {

/// A JSON object that a caller passes, each field of which may be left out. Fields are read one by one; one that nobody
/// read is refused in the end.
class JsonArguments {
 public:
  /// `text` null: nothing given. `what` begins messages: "request". Throws Error if it isn't a JSON object.
  JsonArguments(const char* text, std::string what);

  /// Reads the field into `value` (of json_value's types, or an optional of one) if it is there and not null. Throws
  /// Error naming it if it is of another type.
  template <typename Value>
  void read(const char* name, Value& value) {
    if (const nlohmann::json* field = find(name)) value = checked<Value>(name, *field);
  }
  template <typename Value>
  void read(const char* name, std::optional<Value>& value) {
    if (const nlohmann::json* field = find(name)) value = checked<Value>(name, *field);
  }
  /// A number from `least` to `most`.
  template <typename Value>
  void read(const char* name, Value& value, Value least, Value most) {
    read(name, value);
    require(value >= least && value <= most, "{}, '{}': expected a number from {} to {}, got {}", what_, name, least,
            most, value);
  }
  /// A whole number or a text, as a text.
  void read_text(const char* name, std::optional<std::string>& value);
  /// A list of whole numbers and texts, as texts.
  void read_texts(const char* name, std::vector<std::string>& values);

  bool has(const char* name) const { return json_.contains(name) && !json_.at(name).is_null(); }
  /// Throws Error naming a field that is unknown, and the nearest that isn't.
  void finish() const;

 private:
  const nlohmann::json* find(const char* name);
  std::string text_of(const char* name, const nlohmann::json& value, const char* expected) const;
  template <typename Value>
  Value checked(const char* name, const nlohmann::json& field) const {
    const std::optional<Value> value = json_value<Value>(field);
    require(value.has_value(), "{}, '{}': expected {}, got {}", what_, name, expected_json<Value>(), json_text(field));
    return *value;
  }

  nlohmann::json json_ = nlohmann::json::object();
  std::string what_;
  std::vector<std::string> names_ = {};
};

}  // namespace iddpm::capi
