#include "iddpm/core/fields.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

enum class Shape { round, square };
constexpr std::array shape_names = {"round", "square"};

struct Settings {
  bool flag = false;
  std::int64_t count = 3;
  std::uint64_t seed = 0;
  double share = 0.5;
  std::string name = "a";
  std::vector<double> rates = {0.5};
  std::vector<std::int64_t> sizes = {};
  Shape shape = Shape::round;
  double later = 7;

  bool operator==(const Settings&) const = default;
};

void visit_fields(Settings& settings, const FieldVisitor& visit) {
  visit({"flag", "A flag"}, &settings.flag);
  visit({"count", "A count", "--count", 1, 10}, &settings.count);
  visit({"seed", "A seed"}, &settings.seed);
  visit({"share", "A share", "--share", 0, 1}, &settings.share);
  visit({"name", "A name"}, &settings.name);
  visit({"rates", "Rates", "--rates", 0, 1}, &settings.rates);
  visit({"sizes", "Sizes", "--sizes"}, &settings.sizes);
  visit({"shape", "A shape", "--shape"}, one_of(&settings.shape, shape_names));
  visit({.name = "later", .help = "A late-comer", .since = 2, .before = "5.5"}, &settings.later);
}

Settings other_settings() {
  return {.flag = true,
          .count = 10,
          .seed = UINT64_MAX,
          .share = 0.25,
          .name = "b",
          .rates = {},
          .sizes = {1, 2},
          .shape = Shape::square,
          .later = 1};
}

Settings read(const nlohmann::json& json, std::int64_t format = newest_format) {
  return fields_from_json<Settings>(json, "file", format);
}

// Sets one field from words of a command line.
Settings with_words(const std::string& name, const std::vector<std::string>& words) {
  Settings settings;
  visit_fields(settings, [&](const Field& field, const FieldMember& member) {
    if (field.name == name) set_field(field, member, words, "--" + name);
  });
  return settings;
}

}  // namespace

TEST(Fields, SurviveJson) {
  for (const Settings& settings : {Settings{}, other_settings()}) {
    EXPECT_EQ(read(nlohmann::json::parse(fields_to_json(settings).dump())), settings);
  }
  EXPECT_EQ(fields_to_json(Settings{}).dump(),
            "{\"count\":3,\"flag\":false,\"later\":7.0,\"name\":\"a\",\"rates\":[0.5],\"seed\":0,\"shape\":\"round\","
            "\"share\":0.5,\"sizes\":[]}");
}

TEST(Fields, ThatOlderFilesLackAreWhatTheirFormatMeant) {
  nlohmann::json json = fields_to_json(other_settings());
  json.erase("later");
  EXPECT_EQ(read(json, 1).later, 5.5);
  expect_error([&] { read(json, 2); }, {"file: the field 'later' is missing"});
  json.erase("count");
  expect_error([&] { read(json, 1); }, {"file: the field 'count' is missing"});
}

TEST(Fields, AreReadStrictly) {
  const auto error = [](const char* key, const nlohmann::json& value, std::initializer_list<const char*> parts) {
    nlohmann::json json = fields_to_json(Settings{});
    json[key] = value;
    for (const char* part : parts) expect_error([&] { read(json); }, {part});
  };
  error("coutn", 1, {"file: unknown field \"coutn\". Did you mean 'count'?"});
  error("count", 0, {"file, 'count': expected an integer from 1 to 10, got 0"});
  error("count", 1e300, {"an integer from 1 to 10, got 1e+300"});
  error("count", UINT64_MAX, {"got 18446744073709551615"});
  error("seed", -1, {"file, 'seed': expected an integer from 0 to 18446744073709551615, got -1"});
  error("share", 1.5, {"a number from 0 to 1, got 1.5"});
  error("share", "x", {"got \"x\""});
  error("flag", 1, {"true or false, got 1"});
  error("rates", {0.5, 2}, {"at most 64 numbers from 0 to 1, got [0.5,2]"});
  error("sizes", std::vector<int>(65, 1), {"at most 64 integers, got an array of 65"});
  error("sizes", 3, {"at most 64 integers, got 3"});
  error("shape", "oval", {"one of round, square, got \"oval\""});
  expect_error([] { read(nlohmann::json::array()); }, {"file: expected a JSON object, got array"});
}

TEST(Fields, ThatAreNotFiniteAreRefusedInEveryWay) {
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    Settings settings;
    settings.later = value;
    expect_error([&] { check_fields(settings, "settings"); }, {"settings, 'later': expected a number, got"});
    expect_error([&] { fields_to_json(settings); }, {"'later': expected a number, got"});
    settings = {};
    settings.rates = {0.5, value};
    expect_error([&] { check_fields(settings, "settings"); }, {"'rates'"});
    expect_error([&] { fields_to_json(settings); }, {"'rates'"});
  }
  expect_error([] { with_words("later", {"nan"}); }, {"--later: expected a number, got \"nan\""});
  expect_error([] { with_words("later", {"inf"}); }, {"--later"});
}

TEST(Fields, AreSetFromWords) {
  EXPECT_EQ(with_words("count", {"10"}).count, 10);
  EXPECT_EQ(with_words("seed", {"18446744073709551615"}).seed, UINT64_MAX);
  EXPECT_EQ(with_words("share", {"1e-3"}).share, 1e-3);
  EXPECT_EQ(with_words("flag", {"true"}).flag, true);
  EXPECT_EQ(with_words("rates", {"0.5", "0.25"}).rates, (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(with_words("shape", {"square"}).shape, Shape::square);
  for (const char* word : {"11", "0", "-1", "3.5", "3x", "", " 3", "99999999999999999999"}) {
    expect_error([&] { with_words("count", {word}); }, {"--count: expected an integer from 1 to 10, got"});
  }
  for (const char* word : {"-1", "18446744073709551616", "0x1"}) {
    expect_error([&] { with_words("seed", {word}); }, {"--seed: expected an integer from 0 to"});
  }
  expect_error([] { with_words("sizes", {"1", "b"}); }, {"--sizes: expected at most 64 integers, got \"1,b\""});
  expect_error([] { with_words("shape", {"oval"}); }, {"--shape: expected one of round, square, got \"oval\""});
}

TEST(Fields, HaveTextsForTables) {
  Settings settings = other_settings();
  std::vector<std::string> texts;
  visit_fields(settings, [&](const Field&, const FieldMember& member) { texts.push_back(field_text(member)); });
  EXPECT_EQ(texts, (std::vector<std::string>{"true", "10", "18446744073709551615", "0.25", "b", "none", "1, 2",
                                             "square", "1"}));
}

TEST(Choices, AreParsedBackAndListed) {
  EXPECT_EQ(parse_choice(shape_names, choice_name(shape_names, 1, "shape"), "shape"), 1U);
  expect_error([] { parse_choice(shape_names, "oval", "shape"); }, {"shape: expected one of round, square, got"});
  expect_error([] { choice_name(shape_names, 2, "shape"); }, {"shape: a value without a name (2)"});
}

}  // namespace iddpm
