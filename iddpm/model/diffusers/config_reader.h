#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"
#include "iddpm/core/strict_json.h"

namespace iddpm::diffusers {

/// A configuration of diffusers, in which a setting that isn't there has its class's default.
class ConfigReader {
 public:
  /// `json` must outlive this; `where` begins messages.
  ConfigReader(const nlohmann::json& json, std::string where) : json_(json), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool is_null(const char* name) const { return !json_.contains(name) || json_.at(name).is_null(); }
  bool contains(const char* name) const { return json_.contains(name); }
  const nlohmann::json& raw(const char* name) const { return json_.at(name); }

  /// Throws Error if it is there and of another type.
  template <typename Value>
  Value get(const char* name, Value otherwise) const {
    if (!json_.contains(name)) return otherwise;
    const std::optional<Value> value = json_value<Value>(json_.at(name));
    require(value.has_value(), "{}: {} is {}; expected {}", where_, name, json_text(json_.at(name)),
            expected_json<Value>());
    return *value;
  }
  template <typename Value>
  Value get_or_null(const char* name, Value if_null, Value otherwise) const {
    if (json_.contains(name) && json_.at(name).is_null()) return if_null;
    return get<Value>(name, otherwise);
  }
  /// Throws Error of kind unsupported, saying why, if the setting is there and neither null nor `only`.
  void refuse_other_than(const char* name, const nlohmann::json& only, const char* why) const {
    if (is_null(name) || json_.at(name) == only) return;
    fail(ErrorKind::unsupported, "{}: {} is {}, which can't be expressed here: {}", where_, name,
         json_text(json_.at(name)), why);
  }

 private:
  const nlohmann::json& json_;
  std::string where_;
};

}  // namespace iddpm::diffusers
