#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iddpm {

/// JSON from a file that a stranger may have written. Throws Error beginning with `where` if it is no JSON or nested
/// more than 64 deep (so that nothing recurses further).
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// The fields of a JSON object, read strictly: each `get` throws Error, beginning with `where`, if the field is missing
/// or of another type, and the constructor if there is a field that isn't named.
class JsonRecord {
 public:
  JsonRecord(const nlohmann::json& json, std::string where, std::initializer_list<const char*> names);
  /// Any fields.
  JsonRecord(const nlohmann::json& json, std::string where);

  /// bool, std::int64_t, std::uint64_t, double, std::string, or a vector of one of them.
  template <typename Value>
  Value get(const char* name) const;
  /// Unset if the field is null.
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
