#include "iddpm/report/axis_ticks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

std::vector<std::string> labels(const Ticks& ticks) {
  std::vector<std::string> result;
  for (const Tick& tick : ticks.major) {
    result.push_back(tick.superscript.empty() ? tick.label : tick.label + "^" + tick.superscript);
  }
  return result;
}

using Labels = std::vector<std::string>;

TEST(LinearTicks, AreRoundValuesWithinTheRange) {
  EXPECT_EQ(labels(linear_ticks(0, 1, 5)), (Labels{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(labels(linear_ticks(-1.1, 2.3, 4)), (Labels{"-1", "0", "1", "2"}));
  EXPECT_EQ(labels(linear_ticks(3.02, 3.11, 4)), (Labels{"3.02", "3.04", "3.06", "3.08", "3.10"}));
}

TEST(LinearTicks, ShortenThousandsAndMillions) {
  EXPECT_EQ(labels(linear_ticks(0, 40000, 4)), (Labels{"0", "10k", "20k", "30k", "40k"}));
  EXPECT_EQ(labels(linear_ticks(0, 2e6, 4)), (Labels{"0", "0.5M", "1M", "1.5M", "2M"}));
  EXPECT_EQ(labels(linear_ticks(0, 4000, 4)), (Labels{"0", "1000", "2000", "3000", "4000"}));
}

TEST(LinearTicks, WriteVerySmallAndLargeValuesAsPowers) {
  EXPECT_EQ(labels(linear_ticks(0, 1e-7, 2)), (Labels{"0", "5×10^-8", "10^-7"}));
  EXPECT_EQ(labels(linear_ticks(0, 3e12, 3)), (Labels{"0", "10^12", "2×10^12", "3×10^12"}));
}

TEST(LinearTicks, ExactlyHitZero) {
  bool has_zero = false;
  for (const Tick& tick : linear_ticks(-0.3, 0.3, 6).major) has_zero |= tick.value == 0 && tick.label == "0.0";
  EXPECT_TRUE(has_zero);
}

TEST(LinearTicks, RefuseAnEmptyRange) {
  EXPECT_THROW(linear_ticks(1, 1, 5), Error);
  EXPECT_THROW(linear_ticks(0, INFINITY, 5), Error);
}

TEST(LogTicks, AreTheDecadesWithMinorTicksBetween) {
  const Ticks ticks = log_ticks(1, 1000, 6);
  EXPECT_EQ(labels(ticks), (Labels{"1", "10", "100", "1000"}));
  EXPECT_EQ(ticks.minor.size(), 24u);
}

TEST(LogTicks, WriteFarDecadesAsPowers) {
  EXPECT_EQ(labels(log_ticks(1e-6, 1e-3, 6)), (Labels{"10^-6", "10^-5", "10^-4", "10^-3"}));
}

TEST(LogTicks, SkipDecadesWhenThereAreMany) {
  const Ticks ticks = log_ticks(1e-30, 1e30, 7);
  EXPECT_LE(ticks.major.size(), 7u);
  EXPECT_GE(ticks.major.size(), 4u);
  EXPECT_TRUE(ticks.minor.empty());
}

TEST(LogTicks, HaveLabelsWithinASingleDecade) {
  EXPECT_EQ(labels(log_ticks(0.9, 8, 5)), (Labels{"1", "2", "5"}));
  EXPECT_GE(log_ticks(3.1, 3.9, 5).major.size(), 3u);
}

TEST(LogTicks, RefuseNonPositiveRanges) { EXPECT_THROW(log_ticks(0, 1, 5), Error); }

}  // namespace
}  // namespace iddpm
