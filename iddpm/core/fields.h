#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// Settings listed once. A settings struct has one function
///   void visit_fields(Settings& settings, const FieldVisitor& visit);
/// that calls `visit` for each of its fields; JSON both ways, the command line's options and tables of settings follow
/// from it.
namespace iddpm {

/// What is said of a field, once.
struct Field {
  const char* name;  ///< in JSON and in tables
  const char* help;  ///< what it is, for people
  /// The command line's option that sets it, "--blocks" or "--learning-rate,--lr"; null if none does by itself.
  const char* option = nullptr;
  double least = -std::numeric_limits<double>::infinity();  ///< of a number, or of each in a list
  double most = std::numeric_limits<double>::infinity();
  std::int64_t since = 1;        ///< the first format of its files that has it ...
  const char* before = nullptr;  ///< ... and what files of a format before mean, as JSON
};

/// The names of an enumeration's values, in its order.
using ChoiceNames = std::span<const char* const>;
/// The name of a value; throws Error if it has none. `what` is for messages: "mean".
std::string choice_name(ChoiceNames names, std::size_t value, const char* what);
/// The value of a name; throws Error listing the names there are.
std::size_t parse_choice(ChoiceNames names, const std::string& name, const char* what);

/// A member that has one of a few values with names.
struct ChoiceMember {
  ChoiceNames names;
  std::function<std::string()> get;
  std::function<void(std::size_t)> set;
};
template <typename Enumeration>
ChoiceMember one_of(Enumeration* member, ChoiceNames names) {
  return {names, [member, names] { return choice_name(names, static_cast<std::size_t>(*member), "settings"); },
          [member](std::size_t value) { *member = static_cast<Enumeration>(value); }};
}
/// A text that must be one of the names.
ChoiceMember one_of(std::string* member, ChoiceNames names);

using FieldMember = std::variant<bool*, std::int64_t*, std::uint64_t*, double*, std::string*,
                                 std::vector<std::int64_t>*, std::vector<double>*, ChoiceMember>;
using FieldVisitor = std::function<void(const Field&, const FieldMember&)>;

/// The member's value as JSON. Throws Error if it is a number that isn't finite, which JSON can't hold.
nlohmann::json field_json(const Field& field, const FieldMember& member);
/// The member's value for tables: "1, 2, 2", "cosine", "none".
std::string field_text(const FieldMember& member);
/// "an integer from 1 to 8192", "one of linear, cosine", "true or false", "a list of numbers".
std::string field_expectation(const Field& field, const FieldMember& member);

/// Throws Error as set_field does if the member's value is one that it refuses.
void check_field(const Field& field, const FieldMember& member, const std::string& place);
/// Sets the member. Throws Error "`place`: expected an integer from 1 to 8192, got ..." if the value is of another
/// type, out of range, not finite, or a list of more than 64.
void set_field(const Field& field, const FieldMember& member, const nlohmann::json& value, const std::string& place);
/// Sets it from the words of a command line, one for each value of a list. Throws Error as above.
void set_field(const Field& field, const FieldMember& member, const std::vector<std::string>& words,
               const std::string& place);

/// The format of files written now: all fields must be there.
inline constexpr std::int64_t newest_format = std::numeric_limits<std::int64_t>::max();

/// What fields_from_json visits with. `where` begins messages.
class FieldReader {
 public:
  /// Throws Error unless `json`, which must outlive this, is an object.
  FieldReader(const nlohmann::json& json, std::string where, std::int64_t format);
  void read(const Field& field, const FieldMember& member);
  /// Throws Error naming a field that was not read, and the nearest that was.
  void finish() const;

 private:
  const nlohmann::json& json_;
  std::string where_;
  std::int64_t format_;
  std::vector<std::string> names_;
};

/// Settings as a JSON object.
template <typename Settings>
nlohmann::json fields_to_json(Settings settings) {
  nlohmann::json json = nlohmann::json::object();
  visit_fields(settings,
               [&](const Field& field, const FieldMember& member) { json[field.name] = field_json(field, member); });
  return json;
}

/// Settings from a JSON object, strictly: throws Error, beginning with `where`, on unknown fields, wrong types, values
/// out of range, and fields missing that files of this format have.
template <typename Settings>
Settings fields_from_json(const nlohmann::json& json, const std::string& where, std::int64_t format = newest_format) {
  Settings settings;
  FieldReader reader(json, where, format);
  visit_fields(settings, [&](const Field& field, const FieldMember& member) { reader.read(field, member); });
  reader.finish();
  return settings;
}

/// Throws Error, beginning with `where`, naming the first field that is out of its range or not finite.
template <typename Settings>
void check_fields(Settings settings, const std::string& where) {
  visit_fields(settings, [&](const Field& field, const FieldMember& member) {
    check_field(field, member, where + ", '" + field.name + "'");
  });
}

}  // namespace iddpm
