#include "tests/golden_case.h"

#include <gtest/gtest.h>

#include <limits>

namespace iddpm {
namespace {

TEST(GoldenCase, EveryFileNamesItsKind) {
  const auto files = golden_files();
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    const GoldenCase golden(path);
    EXPECT_FALSE(golden.kind().empty()) << path;
    for (const std::string& name : golden.file.names()) EXPECT_TRUE(golden[name].defined());
  }
}

TEST(GoldenCase, RecipeFollowsTheStatedHash) {
  // k = 0, j = 0 hashes 0 to 0, so that x / 2^31 - 1 is -1; k = 1, j = 1 was worked out apart, in Python.
  const Tensor zero = recipe_weight({{"shape", {1}}, {"k", 0}, {"offset", 0.5}, {"scale", 2.0}});
  EXPECT_FLOAT_EQ(zero.item<float>(), static_cast<float>(0.5 - 2.0 * std::sqrt(3.0)));
  const Tensor one = recipe_weight({{"shape", {2, 1}}, {"k", 1}, {"offset", 0.0}, {"scale", 1.0}});
  EXPECT_EQ(one.sizes(), at::IntArrayRef({2, 1}));
  EXPECT_FLOAT_EQ(one[1].item<float>(), -1.17770359f);
}

TEST(AllClose, AcceptsWithinAndNamesTheWorstBeyond) {
  const Tensor expected = at::zeros({2, 3});
  Tensor actual = expected.clone();
  actual[1][2] = 0.5;
  actual[0][1] = -2.0;
  EXPECT_TRUE(all_close(actual, expected, 2.0, 0.0));
  const auto result = all_close(actual, expected, 0.1, 0.0);
  EXPECT_FALSE(result);
  EXPECT_NE(std::string(result.message()).find("2 of 6 elements differ; worst at [0, 1]: -2, expected 0"),
            std::string::npos)
      << result.message();
}

TEST(AllClose, RefusesOtherShapesAndNonFiniteValues) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(all_close(at::zeros({2}), at::zeros({1, 2}), 1.0, 1.0));
  EXPECT_FALSE(all_close(at::full({2}, NAN), at::zeros({2}), 1e9, 1.0));
  EXPECT_FALSE(all_close(at::zeros({2}), at::full({2}, infinity), 1.0, 1.0));
  EXPECT_TRUE(all_close(at::full({2}, infinity), at::full({2}, infinity), 0.0, 0.0));
}

}  // namespace
}  // namespace iddpm
