#include "iddpm/diffusion/optimal_respacing.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <numeric>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

using Places = std::vector<std::int64_t>;

BoundTable random_table(std::int64_t candidates, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kDouble); };
  return {.prior = uniform({candidates}),
          .step = uniform({candidates, candidates}),
          .decoder = uniform({candidates, candidates})};
}

Places places_of(unsigned subset) {
  Places places;
  for (std::int64_t i = 0; subset >> i != 0; ++i) {
    if ((subset >> i & 1U) != 0) places.push_back(i);
  }
  return places;
}

// The least bound of all subsets of so many candidates, and how to reach it.
std::pair<double, Places> least_of_all(const BoundTable& table, int count) {
  std::pair<double, Places> least{std::numeric_limits<double>::infinity(), {}};
  for (unsigned subset = 1; subset < 1U << table.candidates(); ++subset) {
    if (std::popcount(subset) != count) continue;
    const Places places = places_of(subset);
    const double bound = respaced_bound(table, places);
    if (bound < least.first) least = {bound, places};
  }
  return least;
}

}  // namespace

TEST(OptimalRespacing, IsTheBestOfAllSubsets) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const std::int64_t candidates : {1, 2, 3, 8}) {
      const BoundTable table = random_table(candidates, seed);
      const OptimalRespacing optimal(table);
      ASSERT_EQ(optimal.bounds().size(), static_cast<std::size_t>(candidates));
      for (std::int64_t steps = 1; steps <= candidates; ++steps) {
        const auto [bound, places] = least_of_all(table, static_cast<int>(steps));
        EXPECT_NEAR(optimal.bounds()[static_cast<std::size_t>(steps - 1)], bound, 1e-12);
        EXPECT_EQ(optimal.kept(steps), places) << "seed " << seed;
      }
    }
  }
}

TEST(OptimalRespacing, OfAllStepsKeepsAllCandidates) {
  Places all(30);
  std::iota(all.begin(), all.end(), 0);
  const BoundTable table = random_table(30, 1);
  const OptimalRespacing optimal(table);
  EXPECT_EQ(optimal.kept(30), all);
  EXPECT_NEAR(optimal.bounds().back(), respaced_bound(table, all), 1e-12);
}

TEST(OptimalRespacing, TakesTheEarliestOfEquallyGoodChoices) {
  const BoundTable table{.prior = at::zeros({6}, at::kDouble),
                         .step = at::ones({6, 6}, at::kDouble),
                         .decoder = at::ones({6, 6}, at::kDouble)};
  const OptimalRespacing optimal(table);
  EXPECT_EQ(optimal.kept(1), Places{0});
  EXPECT_EQ(optimal.kept(3), (Places{0, 1, 2}));
}

TEST(OptimalRespacing, CountsTheDecoderOfTheFirstTwoTogether) {
  BoundTable table{.prior = at::zeros({3}, at::kDouble),
                   .step = at::ones({3, 3}, at::kDouble),
                   .decoder = at::full({3, 3}, 10.0, at::kDouble)};
  table.decoder[1][2] = 2.0;
  const OptimalRespacing optimal(table);
  EXPECT_EQ(optimal.kept(2), (Places{1, 2}));
  EXPECT_EQ(optimal.bounds(), (std::vector<double>{10.0, 3.0, 12.0}));
}

TEST(OptimalRespacing, DoesNotLookBelowTheDiagonal) {
  BoundTable table = random_table(5, 3);
  const OptimalRespacing before(table);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor below = at::ones({5, 5}, at::kBool).tril(-1);
  table.decoder.masked_fill_(below, nan);
  table.step.masked_fill_(below, nan).fill_diagonal_(nan);
  EXPECT_EQ(OptimalRespacing(table).bounds(), before.bounds());
}

TEST(OptimalRespacing, StopsAtTheMostStepsAskedFor) {
  const BoundTable table = random_table(9, 4);
  const OptimalRespacing some(table, 4);
  EXPECT_EQ(some.bounds().size(), 4U);
  EXPECT_EQ(some.kept(4), OptimalRespacing(table).kept(4));
  expect_error([&] { some.kept(5); }, {"1 to 4", "got 5"});
  expect_error([&] { some.kept(0); }, {"got 0"});
}

TEST(OptimalRespacing, RefusesTablesThatAreNotAsTheyShouldBe) {
  const BoundTable good = random_table(4, 5);
  expect_error([&] { OptimalRespacing(good, 5); }, {"1 to 4", "got 5"});
  expect_error([&] { OptimalRespacing(good, -1); }, {"got -1"});
  expect_error([] { OptimalRespacing(BoundTable{}); }, {"got none"});
  BoundTable bad = good;
  bad.step = good.step.slice(0, 1);
  expect_error([&] { OptimalRespacing{bad}; }, {"[4, 4]", "[3, 4]"});
  bad = good;
  bad.prior = good.prior.to(at::kFloat);
  expect_error([&] { OptimalRespacing{bad}; }, {"float64", "Float"});
  for (const double value :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
    bad = random_table(4, 5);
    bad.decoder[2][2] = value;
    expect_error([&] { OptimalRespacing{bad}; }, {"finite"});
  }
  expect_error([&] { respaced_bound(good, {}); }, {"none"});
  expect_error([&] { respaced_bound(good, {2, 1}); }, {"got 1 where at least 3"});
  expect_error([&] { respaced_bound(good, {1, 4}); }, {"0 to 3", "got 4"});
}

}  // namespace iddpm
