#include "iddpm/samplers/trajectory_timesteps.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "iddpm/samplers/ddim.h"
#include "tests/expect_error.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

// The toy's fine process, noise for it, and what the search says.
struct Search {
  GaussianData data = {.mean = 0.2, .deviation = 0.2};
  NoiseSchedule whole = cosine_schedule({.steps = 1000});
  NoiseSchedule schedule = respaced_schedule(whole, respaced_timesteps(whole, "linspace40"));
  ForwardProcess q{schedule};
  NoiseSource noise = noise_from_streams({RandomStream(1, StreamPurpose::sampling)}, {1, 8, 8});
  TrajectoryTimesteps timesteps{q, data.denoiser(q), noise};

  // How far DDIM's images by these timesteps are from the fine ones.
  double error(const std::vector<std::int64_t>& kept) const {
    const ForwardProcess shortened(respaced_schedule(schedule, kept));
    const Tensor x = DdimSampler().run(shortened, data.denoiser(shortened), noise);
    return (x - DdimSampler().run(q, data.denoiser(q), noise)).abs().mean().item<double>();
  }
  double sum(std::vector<std::int64_t> kept) const {
    double total = timesteps.deviation(kept.front(), -1);
    for (std::size_t i = 1; i < kept.size(); ++i) total += timesteps.deviation(kept[i], kept[i - 1]);
    return total;
  }
};

TEST(TrajectoryTimesteps, AscendFromWhereverTheyPayToTheNoisiest) {
  const Search search;
  EXPECT_EQ(search.timesteps.candidates(), 40);
  for (const std::int64_t count : {1, 2, 5, 10, 39, 40}) {
    const auto kept = search.timesteps.kept(count);
    ASSERT_EQ(static_cast<std::int64_t>(kept.size()), count);
    EXPECT_EQ(kept.back(), 39);
    EXPECT_TRUE(std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) == kept.end());
  }
  expect_error([&] { search.timesteps.kept(0); }, {"1 to 40", "got 0"});
  expect_error([&] { search.timesteps.kept(41); }, {"1 to 40", "got 41"});
}

TEST(TrajectoryTimesteps, SumUpToLessThanOtherChoices) {
  const Search search;
  for (const std::int64_t count : {2, 3, 6}) {
    const double best = search.sum(search.timesteps.kept(count));
    for (const char* spacing : {"linspace", "trailing"}) {
      EXPECT_LE(best, search.sum(respaced_timesteps(40, fmt::format("{}{}", spacing, count))) + 1e-12);
    }
  }
  // All choices of 3 by hand.
  double least = 1e9;
  for (std::int64_t a = 0; a < 39; ++a) {
    for (std::int64_t b = a + 1; b < 39; ++b) least = std::min(least, search.sum({a, b, 39}));
  }
  EXPECT_NEAR(search.sum(search.timesteps.kept(3)), least, 1e-12);
}

TEST(TrajectoryTimesteps, OfNeighboursDeviateByNothing) {
  const Search search;
  EXPECT_EQ(search.timesteps.deviation(20, 19), 0.0);
  EXPECT_EQ(search.timesteps.deviation(0, -1), 0.0);
  EXPECT_GT(search.timesteps.deviation(20, 10), 0.0);
  expect_error([&] { (void)search.timesteps.deviation(3, 3); }, {"3 to 3"});
}

TEST(TrajectoryTimesteps, OfSeveralBatchesAreThoseOfAllTheirImages) {
  const Search search;
  const auto measured = [&](std::vector<std::uint64_t> seeds) {
    std::vector<RandomStream> streams;
    for (const std::uint64_t seed : seeds) streams.emplace_back(seed, StreamPurpose::sampling);
    return TrajectoryTimesteps(search.q, search.data.denoiser(search.q), noise_from_streams(streams, {1, 8, 8}));
  };
  TrajectoryTimesteps merged = measured({1, 2});
  merged.merge(measured({3}));
  const TrajectoryTimesteps together = measured({1, 2, 3});
  EXPECT_EQ(merged.images(), 3);
  EXPECT_NEAR(merged.deviation(30, 5), together.deviation(30, 5), 1e-6);
  const TrajectoryTimesteps again(40, 3, merged.deviations());
  EXPECT_EQ(again.kept(7), merged.kept(7));
  expect_error([&] { TrajectoryTimesteps(39, 3, merged.deviations()); }, {"1560 deviations", "got 1640"});
  expect_error([&] { TrajectoryTimesteps(1, 1, {0.0, std::nan("")}); }, {"finite"});
}

TEST(TrajectoryTimesteps, BringSamplesNearerToTheFineOnes) {
  const Search search;
  for (const std::int64_t count : {4, 6, 8}) {
    const double chosen = search.error(search.timesteps.kept(count));
    EXPECT_LT(chosen, search.error(respaced_timesteps(40, fmt::format("linspace{}", count)))) << count;
  }
}

}  // namespace
}  // namespace iddpm
