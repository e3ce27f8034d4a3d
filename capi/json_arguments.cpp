#include "capi/json_arguments.h"

#include <algorithm>
#include <string_view>

#include "iddpm/core/nearest_name.h"
#include "iddpm/core/quote.h"

namespace iddpm::capi {

JsonArguments::JsonArguments(const char* text, std::string what) : what_(std::move(what)) {
  if (text != nullptr) json_ = parse_json(text, what_);
  require(json_.is_object(), "{}: expected a JSON object, got {}", what_, json_text(json_));
}

const nlohmann::json* JsonArguments::find(const char* name) {
  names_.emplace_back(name);
  return has(name) ? &json_.at(name) : nullptr;
}

std::string JsonArguments::text_of(const char* name, const nlohmann::json& value, const char* expected) const {
  if (const auto number = json_value<std::int64_t>(value)) return std::to_string(*number);
  const auto text = json_value<std::string>(value);
  require(text.has_value(), "{}, '{}': expected {}, got {}", what_, name, expected, json_text(value));
  return *text;
}

void JsonArguments::read_text(const char* name, std::optional<std::string>& value) {
  if (const nlohmann::json* field = find(name)) value = text_of(name, *field, "a whole number or a text");
}

void JsonArguments::read_texts(const char* name, std::vector<std::string>& values) {
  constexpr const char* expected = "a list of whole numbers and texts";
  const nlohmann::json* field = find(name);
  if (field == nullptr) return;
  require(field->is_array(), "{}, '{}': expected {}, got {}", what_, name, expected, json_text(*field));
  for (const nlohmann::json& value : *field) values.push_back(text_of(name, value, expected));
}

void JsonArguments::finish() const {
  for (const auto& [name, unused] : json_.items()) {
    require(std::find(names_.begin(), names_.end(), name) != names_.end(), "{}: unknown field {}.{}", what_,
            quote(name), did_you_mean(name, names_));
  }
}

}  // namespace iddpm::capi
