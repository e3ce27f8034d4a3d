// The documents name every setting that there is.

#include <fstream>
#include <iterator>

#include "iddpm/model/model_settings.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

std::string checkpoint_document() {
  std::ifstream stream(std::filesystem::path(IDDPM_SOURCE_DIR) / "docs/checkpoint_format.md");
  return {std::istreambuf_iterator<char>(stream), {}};
}

template <typename Settings>
void for_each_field(const FieldVisitor& visit) {
  Settings settings;
  visit_fields(settings, visit);
}

void for_each_setting(const FieldVisitor& visit) {
  for_each_field<UNetOptions>(visit);
  for_each_field<DiffusionSettings>(visit);
  for_each_field<TrainingOptions>(visit);
}

// Some other value of a field, as a person would type it.
std::vector<std::string> other_words(const FieldMember& member) {
  if (std::holds_alternative<bool*>(member)) return {*std::get<bool*>(member) ? "false" : "true"};
  if (const auto* choice = std::get_if<ChoiceMember>(&member)) {
    return {choice->get() == choice->names.front() ? choice->names.back() : choice->names.front()};
  }
  if (std::holds_alternative<double*>(member)) return {"0.75"};
  if (std::holds_alternative<std::vector<double>*>(member)) return {"0.25", "0.125"};
  if (std::holds_alternative<std::vector<std::int64_t>*>(member)) return {"5", "7"};
  return {"11"};
}

template <typename Settings>
void expect_every_field_goes_through_json_and_words() {
  Settings settings;
  visit_fields(settings, [&](const Field& field, const FieldMember& member) {
    const std::string before = field_text(member);
    set_field(field, member, other_words(member), field.name);
    EXPECT_NE(field_text(member), before) << field.name;
  });
  const nlohmann::json json = fields_to_json(settings);
  EXPECT_EQ(fields_from_json<Settings>(nlohmann::json::parse(json.dump()), "settings"), settings);
  visit_fields(settings, [&](const Field& field, const FieldMember&) { EXPECT_TRUE(json.contains(field.name)); });
}

}  // namespace

TEST(SettingsDocumentation, NamesEveryField) {
  const std::string document = checkpoint_document();
  for_each_setting([&](const Field& field, const FieldMember&) {
    EXPECT_TRUE(contains(document, fmt::format("`{}`", field.name))) << field.name;
  });
}

TEST(SettingsDocumentation, NamesEveryChoice) {
  const std::string document = checkpoint_document();
  for_each_setting([&](const Field& field, const FieldMember& member) {
    if (!std::holds_alternative<ChoiceMember>(member)) return;
    for (const char* name : std::get<ChoiceMember>(member).names) {
      EXPECT_TRUE(contains(document, fmt::format("\"{}\"", name))) << field.name << " " << name;
    }
  });
}

TEST(SettingsList, SaysOfEveryFieldWhatItIsAndWhatOlderFilesMean) {
  std::set<std::string> options;
  for_each_setting([&](const Field& field, const FieldMember& member) {
    EXPECT_NE(std::string(field.help), "") << field.name;
    if (field.option != nullptr) {
      EXPECT_TRUE(options.insert(field.option).second) << field.option;
    }
    EXPECT_EQ(field.since > 1, field.before != nullptr) << field.name;
    if (field.before != nullptr) set_field(field, member, nlohmann::json::parse(field.before), field.name);
  });
}

TEST(SettingsList, EveryFieldGoesThroughJsonAndCommandLine) {
  expect_every_field_goes_through_json_and_words<UNetOptions>();
  expect_every_field_goes_through_json_and_words<DiffusionSettings>();
  expect_every_field_goes_through_json_and_words<TrainingOptions>();
}

}  // namespace iddpm
