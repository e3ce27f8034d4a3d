#include "iddpm/core/error.h"

#include <gtest/gtest.h>

#include <vector>

#include "iddpm/core/tensor.h"
#include "tests/expect_error.h"

namespace iddpm {
namespace {

TEST(Error, CarriesAFormattedSentence) {
  expect_error([] { fail("batch: expected {}, got {}", 4, "none"); }, {"batch: expected 4, got none"});
}

TEST(Error, IsThrownOnlyWhereARequirementFails) {
  EXPECT_NO_THROW(require(true, "never {}", 1));
  expect_error([] { require(false, "found {}", 2); }, {"found 2"});
}

TEST(Error, IsARuntimeErrorForThoseWhoDontKnowTheLibrary) { EXPECT_THROW(fail("x"), std::runtime_error); }

TEST(Error, HasAKindForProgramsAndIsBadInputUnlessToldOtherwise) {
  const auto kind_of = [](const auto& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::interrupted;
  };
  EXPECT_EQ(kind_of([] { fail("x"); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of([] { require(false, "{}", 2); }), ErrorKind::bad_input);
  EXPECT_EQ(kind_of([] { fail(ErrorKind::unsupported, "{}", 2); }), ErrorKind::unsupported);
  EXPECT_EQ(kind_of([] { require(false, ErrorKind::damaged_file, "x"); }), ErrorKind::damaged_file);
  EXPECT_EQ(kind_of([] { throw NotFiniteError("x"); }), ErrorKind::not_finite);
  EXPECT_NO_THROW(require(true, ErrorKind::damaged_file, "never {}", 1));
}

TEST(FormatShape, WritesExtentsInBrackets) {
  EXPECT_EQ(format_shape(std::vector<std::int64_t>{2, 3, 32, 32}), "[2, 3, 32, 32]");
  EXPECT_EQ(format_shape(at::zeros({4, 1}).sizes()), "[4, 1]");
  EXPECT_EQ(format_shape(std::vector<std::int64_t>{}), "[]");
}

}  // namespace
}  // namespace iddpm
