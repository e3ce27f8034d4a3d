#include "iddpm/core/strict_json.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"

namespace iddpm {

TEST(JsonRecord, RefusesOtherTypes) {
  const nlohmann::json json = {{"a", -1}, {"b", 1.5}, {"c", "x"}, {"d", {1, "y"}}, {"e", 18446744073709551615u}};
  const JsonRecord record(json, "here");
  EXPECT_EQ(record.get<std::int64_t>("a"), -1);
  expect_error([&] { record.get<std::uint64_t>("a"); }, {"here: expected an integer of at least 0 as 'a', got -1"});
  expect_error([&] { record.get<std::int64_t>("b"); }, {"expected an integer", "1.5"});
  expect_error([&] { record.get<bool>("a"); }, {"true or false"});
  expect_error([&] { record.get<std::vector<std::int64_t>>("d"); }, {"a list of integers", "[1,\"y\"]"});
  expect_error([&] { record.get<std::int64_t>("e"); }, {"18446744073709551615"});
  EXPECT_EQ(record.get<std::uint64_t>("e"), UINT64_MAX);
  expect_error([&] { record.get<bool>("f"); }, {"here", "'f' is missing"});
}

TEST(JsonRecord, RefusesFieldsThatAreNotNamed) {
  const nlohmann::json json = {{"stesp", 1}};
  expect_error(
      [&] {
        JsonRecord(json, "here", {"steps", "seed"});
      },
      {"here: unknown field \"stesp\". Did you mean 'steps'?"});
}

TEST(StrictJson, TextNestedTooDeepIsRefusedBeforeItIsParsed) {
  expect_error([] { parse_json(std::string(100'000, '['), "here"); }, {"here", "nested more than 64 deep"});
  expect_error([] { parse_json(std::string(100'000, '[') + std::string(100'000, ']'), "here"); }, {"more than 64"});
  EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']'), "here"));
  EXPECT_EQ(parse_json("{\"a\": \"[[\\\"{\"}", "here")["a"], "[[\"{") << "brackets in strings are text";
}

TEST(StrictJson, MoreThanAMillionValuesAreRefusedBeforeTheyAreStored) {
  std::string many = "[0";
  while (many.size() < 2'100'000) many += ",0";
  expect_error([&] { parse_json(many + "]", "here"); }, {"here", "more than 1000000 values"});
}

TEST(StrictJson, BrokenTextIsADamagedFile) {
  for (const char* text : {"", "{\"a\":", "{\"a\": 1e999}", "[1] x", "nul"}) {
    try {
      parse_json(text, "here");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::damaged_file) << text;
      EXPECT_EQ(std::string(error.what()).rfind("here: broken JSON", 0), 0U) << error.what();
    }
  }
}

}  // namespace iddpm
