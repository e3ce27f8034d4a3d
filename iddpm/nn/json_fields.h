#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace iddpm {

/// Reads an options object from JSON strictly: every field must be there with the right type, and no other may be. Each
/// error names the object, the field, what was found and what is expected.
class JsonFields {
 public:
  /// `what` names the object in errors ("network options"). Throws Error unless it is a JSON object.
  JsonFields(const nlohmann::json& json, std::string what);

  void read(const char* key, bool& value);
  void read(const char* key, std::int64_t& value);
  void read(const char* key, double& value);
  void read(const char* key, std::string& value);
  void read(const char* key, std::vector<std::int64_t>& values);
  void read(const char* key, std::vector<double>& values);
  /// A field that is read by its own from_json.
  const nlohmann::json& field(const char* key);

  /// Throws Error naming the first field that was not asked for, and the nearest that was.
  void finish() const;

 private:
  template <typename Value>
  void read_list(const char* key, std::vector<Value>& values);
  std::int64_t integer(const nlohmann::json& json, const std::string& key) const;
  double number(const nlohmann::json& json, const std::string& key) const;

  const nlohmann::json& json_;
  std::string what_;
  std::vector<std::string> keys_;
};

}  // namespace iddpm
