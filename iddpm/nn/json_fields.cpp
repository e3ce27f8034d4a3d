#include "iddpm/nn/json_fields.h"

#include <algorithm>
#include <limits>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"

namespace iddpm {
namespace {

constexpr std::size_t longest_list = 64;
constexpr std::size_t longest_name = 60;  // of a stranger's names, in messages

std::string shortened(const std::string& text) {
  return text.size() <= longest_name ? text : text.substr(0, longest_name) + "...";
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& json, std::string what) : json_(json), what_(std::move(what)) {
  require(json.is_object(), "{}: expected a JSON object, found {}.", what_, json.type_name());
}

const nlohmann::json& JsonFields::field(const char* key) {
  keys_.emplace_back(key);
  const auto found = json_.find(key);
  require(found != json_.end(), "{}: '{}' is missing.", what_, key);
  return *found;
}

std::int64_t JsonFields::integer(const nlohmann::json& json, const std::string& key) const {
  require(json.is_number_integer(), "{}: '{}' has type {}; expected an integer.", what_, key, json.type_name());
  if (json.is_number_unsigned()) {
    require(json.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max(), "{}: '{}' is {}; too large.", what_,
            key, json.get<std::uint64_t>());
  }
  return json.get<std::int64_t>();
}

double JsonFields::number(const nlohmann::json& json, const std::string& key) const {
  require(json.is_number(), "{}: '{}' has type {}; expected a number.", what_, key, json.type_name());
  return json.get<double>();
}

void JsonFields::read(const char* key, bool& value) {
  const nlohmann::json& json = field(key);
  require(json.is_boolean(), "{}: '{}' has type {}; expected true or false.", what_, key, json.type_name());
  value = json.get<bool>();
}

void JsonFields::read(const char* key, std::int64_t& value) { value = integer(field(key), key); }

void JsonFields::read(const char* key, double& value) { value = number(field(key), key); }

void JsonFields::read(const char* key, std::string& value) {
  const nlohmann::json& json = field(key);
  require(json.is_string(), "{}: '{}' has type {}; expected a string.", what_, key, json.type_name());
  value = json.get<std::string>();
}

template <typename Value>
void JsonFields::read_list(const char* key, std::vector<Value>& values) {
  const nlohmann::json& json = field(key);
  require(json.is_array() && json.size() <= longest_list,
          "{}: '{}' has type {} and {} items; expected an array of at most {}.", what_, key, json.type_name(),
          json.size(), longest_list);
  values.clear();
  for (const nlohmann::json& item : json) {
    if constexpr (std::is_same_v<Value, double>) {
      values.push_back(number(item, key));
    } else {
      values.push_back(integer(item, key));
    }
  }
}

void JsonFields::read(const char* key, std::vector<std::int64_t>& values) { read_list(key, values); }
void JsonFields::read(const char* key, std::vector<double>& values) { read_list(key, values); }

void JsonFields::finish() const {
  for (const auto& [key, value] : json_.items()) {
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) continue;
    fail("{}: unknown field '{}'.{}", what_, shortened(key), did_you_mean(key, keys_));
  }
}

}  // namespace iddpm
