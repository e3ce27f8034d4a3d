#include "iddpm/diffusion/respacing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "iddpm/diffusion/noise_level.h"
#include "tests/expect_error.h"

namespace iddpm {
namespace {

using TimestepList = std::vector<std::int64_t>;

TEST(Respacing, SpacesACountEvenlyAndRoundsHalfToEven) {
  EXPECT_EQ(respaced_timesteps(10, "10"), (TimestepList{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(respaced_timesteps(6, "3"), (TimestepList{0, 2, 5}));
  EXPECT_EQ(respaced_timesteps(4, "3"), (TimestepList{0, 2, 3}));
  EXPECT_EQ(respaced_timesteps(1000, "2"), (TimestepList{0, 999}));
  EXPECT_EQ(respaced_timesteps(1000, "1"), (TimestepList{999}));       // one step has all the noise to undo
  EXPECT_EQ(respaced_timesteps(1000, "1,1"), (TimestepList{0, 500}));  // sections as published
}

TEST(Respacing, SpacesEachSectionByItsOwnCount) {
  EXPECT_EQ(respaced_timesteps(12, "3,2"), (TimestepList{0, 2, 5, 6, 11}));
  EXPECT_EQ(respaced_timesteps(11, "2,2"), (TimestepList{0, 5, 6, 10}));
  EXPECT_EQ(respaced_timesteps(12, " 3, 2 "), (TimestepList{0, 2, 5, 6, 11}));
  EXPECT_EQ(respaced_timesteps(6, "0,2"), (TimestepList{3, 5}));
  EXPECT_EQ(respaced_timesteps(300, "10,15,20").size(), 45u);
}

TEST(Respacing, OfNothingKeepsAll) { EXPECT_EQ(respaced_timesteps(4, ""), (TimestepList{0, 1, 2, 3})); }

TEST(Respacing, DdimTakesTheSmallestIntegerStrideWhereThereIsOne) {
  EXPECT_EQ(respaced_timesteps(10, "ddim5"), (TimestepList{0, 2, 4, 6, 8}));
  EXPECT_EQ(respaced_timesteps(10, "ddim4"), (TimestepList{0, 3, 6, 9}));
  for (std::int64_t steps = 2; steps <= 60; ++steps) {
    for (std::int64_t stride = 1; stride < steps; ++stride) {
      const std::int64_t count = (steps + stride - 1) / stride;
      if (stride > 1 && (steps + stride - 2) / (stride - 1) == count) continue;  // a smaller one keeps as many
      const TimestepList timesteps = respaced_timesteps(steps, "ddim" + std::to_string(count));
      ASSERT_EQ(timesteps.size(), static_cast<std::size_t>(count));
      for (std::size_t i = 0; i < timesteps.size(); ++i) ASSERT_EQ(timesteps[i], static_cast<std::int64_t>(i) * stride);
    }
  }
}

TEST(Respacing, DdimServesCountsWithoutAnIntegerStride) {
  const TimestepList timesteps = respaced_timesteps(1000, "ddim300");
  EXPECT_EQ(TimestepList(timesteps.begin(), timesteps.begin() + 5), (TimestepList{0, 3, 6, 10, 13}));
  for (std::int64_t steps = 1; steps <= 60; ++steps) {
    for (std::int64_t count = 1; count <= steps; ++count) {
      const TimestepList kept = respaced_timesteps(steps, "ddim" + std::to_string(count));
      ASSERT_EQ(kept.size(), static_cast<std::size_t>(count));
      ASSERT_EQ(kept.front(), 0);
      ASSERT_LT(kept.back(), steps);
      for (std::size_t i = 1; i < kept.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(kept[i] - kept[i - 1]), static_cast<double>(steps) / static_cast<double>(count),
                    1.0)
            << count << " of " << steps;
      }
    }
  }
}

TEST(Respacing, TrailingCountsFromTheLastTimestepDown) {
  EXPECT_EQ(respaced_timesteps(1000, "trailing5"), (TimestepList{199, 399, 599, 799, 999}));
  EXPECT_EQ(respaced_timesteps(10, "trailing4"), (TimestepList{1, 4, 7, 9}));  // 2.5, 5, 7.5, 10: half to even
  EXPECT_EQ(respaced_timesteps(1000, "trailing1"), (TimestepList{999}));
  EXPECT_EQ(respaced_timesteps(4, "trailing4"), (TimestepList{0, 1, 2, 3}));
  for (std::int64_t steps : {7, 100, 1000, 4000}) {
    for (std::int64_t count = 1; count <= std::min<std::int64_t>(steps, 60); ++count) {
      const TimestepList kept = respaced_timesteps(steps, fmt::format("trailing{}", count));
      EXPECT_EQ(static_cast<std::int64_t>(kept.size()), count);
      EXPECT_EQ(kept.back(), steps - 1);
      EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
      EXPECT_EQ(std::set<std::int64_t>(kept.begin(), kept.end()).size(), kept.size());
    }
  }
  expect_error([] { respaced_timesteps(10, "trailing11"); }, {"trailing11", "1 to 10"});
  expect_error([] { respaced_timesteps(10, "trailing"); }, {"trailing50"});
}

TEST(Respacing, LeadingCountsFromTheFirstAndLinspaceTakesBothEnds) {
  EXPECT_EQ(respaced_timesteps(1000, "leading5"), (TimestepList{0, 200, 400, 600, 800}));
  EXPECT_EQ(respaced_timesteps(10, "leading4"), (TimestepList{0, 2, 4, 6}));
  EXPECT_EQ(respaced_timesteps(1000, "linspace5"), (TimestepList{0, 250, 500, 749, 999}));  // 249.75, 499.5, 749.25
  EXPECT_EQ(respaced_timesteps(1000, "linspace1"), (TimestepList{999}));
}

TEST(Respacing, ByNoiseLevelsTakesTheNearestTimestepsEachOnce) {
  for (const NoiseSchedule& schedule :
       {linear_schedule({.steps = 1000}), cosine_schedule({.steps = 1000}), cosine_schedule({.steps = 60}),
        zero_terminal_snr(cosine_schedule({.steps = 1000}))}) {
    for (const char* spacing : {"logsnr", "karras"}) {
      for (std::int64_t count = 1; count <= 60; ++count) {
        const TimestepList kept = respaced_timesteps(schedule, fmt::format("{}{}", spacing, count));
        ASSERT_EQ(static_cast<std::int64_t>(kept.size()), count);
        ASSERT_GE(kept.front(), 0);
        ASSERT_LT(kept.back(), schedule.steps());
        for (std::size_t i = 1; i < kept.size(); ++i) ASSERT_GT(kept[i], kept[i - 1]) << spacing << count;
      }
    }
  }
}

TEST(Respacing, ByNoiseLevelsSpacesThemAsNamedFromWhereThereIsSignal) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 4000});
  const auto level = [&](std::int64_t t) {
    return NoiseLevel::of_alpha_bar(schedule.alpha_bar[static_cast<std::size_t>(t)]);
  };
  const TimestepList even = respaced_timesteps(schedule, "logsnr12");
  EXPECT_GE(level(even.back()).lambda(), least_lambda);
  EXPECT_LT(level(even.back() + 1).lambda(), least_lambda);
  EXPECT_EQ(even.front(), 0);
  const double step = (level(even.front()).lambda() - level(even.back()).lambda()) / 11.0;
  for (std::size_t i = 1; i < even.size(); ++i) {
    EXPECT_NEAR(level(even[i - 1]).lambda() - level(even[i]).lambda(), step, 0.1 * step);
  }
  const TimestepList karras = respaced_timesteps(schedule, "karras8");
  const std::vector<double> wanted = karras_ratios(level(karras.back()).ratio(), level(0).ratio(), 8);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(std::log(level(karras[7 - i]).ratio()), std::log(wanted[i]), 0.1) << i;
  }
}

TEST(Respacing, ByNoiseLevelsNeedsASchedule) {
  expect_error([] { respaced_timesteps(100, "karras10"); }, {"'karras10'", "schedule"});
  const NoiseSchedule schedule = cosine_schedule({.steps = 100});
  expect_error([&] { respaced_timesteps(schedule, "logsnr101"); }, {"'logsnr101'", "1 to 100"});
  expect_error([&] { respaced_timesteps(schedule, "karras"); }, {"karras50"});
  EXPECT_EQ(respaced_timesteps(schedule, "trailing10"), respaced_timesteps(100, "trailing10"));
}

TEST(Respacing, OfAOneStepProcessIsThatStep) {
  for (const char* specification : {"", "1", "ddim1"}) EXPECT_EQ(respaced_timesteps(1, specification), TimestepList{0});
}

TEST(Respacing, RefusesMoreThanThereIsNamingTheNumbers) {
  expect_error([] { respaced_timesteps(10, "20"); }, {"'20'", "10 timesteps"});
  expect_error([] { respaced_timesteps(10, "4,7"); }, {"'4,7'", "section 2", "5 timesteps", "7"});
  expect_error([] { respaced_timesteps(2, "1,1,1"); }, {"'1,1,1'", "section 3", "0 timesteps"});
  expect_error([] { respaced_timesteps(10, "ddim11"); }, {"'ddim11'", "1 to 10", "got 11"});
  expect_error([] { respaced_timesteps(10, "ddim0"); }, {"'ddim0'", "got 0"});
  expect_error([] { respaced_timesteps(10, "0"); }, {"'0'", "at least 1"});
  expect_error([] { respaced_timesteps(0, "1"); }, {"got 0"});
}

TEST(Respacing, RefusesMalformedSpecifications) {
  for (const char* specification :
       {"abc", "10,,5", "-3", "10,", ",", " ", "5x", "3.5", "+5", "99999999999999999999999", "ddim", "ddimx", "ddim-2",
        "ddim 5", "ddim5,5", "ddim99999999999999999999999", "10;5"}) {
    SCOPED_TRACE(specification);
    expect_error([&] { respaced_timesteps(100, specification); }, {fmt::format("'{}'", specification), "expected"});
  }
}

TEST(Respacing, SaysThatOptimalTimestepsAreMeasuredOnAModel) {
  expect_error([] { respaced_timesteps(100, "optimal25"); }, {"'optimal25'", "iddpm respace"});
}

TEST(RespacedSchedule, AgreesInAlphaBarAtTheKeptTimesteps) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 400});
  const TimestepList timesteps = respaced_timesteps(400, "25");
  const NoiseSchedule respaced = respaced_schedule(schedule, timesteps);
  ASSERT_EQ(respaced.steps(), 25);
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    const double expected = schedule.alpha_bar[static_cast<std::size_t>(timesteps[i])];
    EXPECT_NEAR(respaced.alpha_bar[i], expected, 1e-10 * expected);
  }
}

TEST(RespacedSchedule, OfAllTimestepsIsTheSchedule) {
  for (const NoiseSchedule& schedule : {cosine_schedule({.steps = 100}), linear_schedule({.steps = 1})}) {
    const NoiseSchedule same = respaced_schedule(schedule, respaced_timesteps(schedule.steps(), ""));
    ASSERT_EQ(same.steps(), schedule.steps());
    for (std::size_t t = 0; t < schedule.beta.size(); ++t) EXPECT_NEAR(same.beta[t], schedule.beta[t], 1e-14);
  }
}

TEST(RespacedSchedule, RefusesTimestepsThatDontAscendWithinIt) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 10});
  expect_error([&] { respaced_schedule(schedule, {}); }, {"none"});
  expect_error([&] { respaced_schedule(schedule, {0, 3, 3}); }, {"3 after 3"});
  expect_error([&] { respaced_schedule(schedule, {4, 2}); }, {"2 after 4"});
  expect_error([&] { respaced_schedule(schedule, {-1, 2}); }, {"-1"});
  expect_error([&] { respaced_schedule(schedule, {2, 10}); }, {"0 to 9", "10"});
  expect_error([] { respaced_schedule(NoiseSchedule({0.5, 1.0, 0.5}), {0, 1, 2}); }, {"no signal", "timestep 1"});
}

}  // namespace
}  // namespace iddpm
