#include "iddpm/core/nearest_name.h"

#include <gtest/gtest.h>

#include <vector>

namespace iddpm {
namespace {

const std::vector<std::string> options = {"--steps", "--seed", "--sampler", "--count"};

TEST(NearestName, FindsWhatWasMistyped) {
  EXPECT_EQ(nearest_name("--step", options), "--steps");
  EXPECT_EQ(nearest_name("--sede", options), "--seed");
  EXPECT_EQ(nearest_name("--smapler", options), "--sampler");
  EXPECT_EQ(nearest_name("--count", options), "--count");
}

TEST(NearestName, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("--learning-rate", options), "");
  EXPECT_EQ(nearest_name("--steps", {}), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), options), "");
}

TEST(NearestName, MakesTheEndOfASentence) {
  EXPECT_EQ(did_you_mean("--step", options), " Did you mean '--steps'?");
  EXPECT_EQ(did_you_mean("--nothing-like-it", options), "");
}

}  // namespace
}  // namespace iddpm
