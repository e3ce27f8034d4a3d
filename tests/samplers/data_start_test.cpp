#include "iddpm/samplers/data_start.h"

#include <gtest/gtest.h>

#include <cmath>

#include "iddpm/diffusion/respacing.h"
#include "iddpm/samplers/ancestral.h"
#include "tests/expect_error.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

const DataStart dark = {.mean = {-0.8, 0.5}, .spread = {0.1, 0.6}};

NoiseSource noise_of(std::int64_t images, const std::vector<std::int64_t>& shape) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < images; ++i) streams.emplace_back(3, StreamPurpose::sampling, i);
  return noise_from_streams(std::move(streams), shape);
}

TEST(DataStart, LeavesOutTheTimestepsWithLessSignal) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 1000});
  const auto all = respaced_timesteps(1000, "50");
  const auto kept = timesteps_from(dark, schedule, all);
  EXPECT_LT(kept.size(), all.size());
  EXPECT_EQ(kept.front(), 0);
  EXPECT_GE(schedule.alpha_bar[static_cast<std::size_t>(kept.back())], 0.02);
  EXPECT_LT(schedule.alpha_bar[static_cast<std::size_t>(all[kept.size()])], 0.02);
  expect_error([&] { timesteps_from(dark, schedule, {998, 999}); }, {"none of 2", "0.02"});
}

TEST(DataStart, BeginsWithTheMomentsOfTheNoisedData) {
  const double alpha_bar = 0.3;
  const NoiseSource noise = noise_from(dark, alpha_bar, noise_of(4, {2, 64, 64}));
  const Tensor x = noise(0);
  for (std::int64_t c = 0; c < 2; ++c) {
    const auto channel = static_cast<std::size_t>(c);
    const double variance = alpha_bar * dark.spread[channel] * dark.spread[channel] + 1.0 - alpha_bar;
    EXPECT_NEAR(x.select(1, c).mean().item<double>(), std::sqrt(alpha_bar) * dark.mean[channel], 0.03);
    EXPECT_NEAR(x.select(1, c).var().item<double>(), variance, 0.03);
  }
  EXPECT_TRUE(at::equal(noise(1), noise_of(4, {2, 64, 64})(1))) << "the noise of the steps is as it was";
}

TEST(DataStart, RefusesImagesOfOtherChannels) {
  expect_error([] { noise_from(dark, 0.3, noise_of(1, {3, 4, 4}))(0); }, {"3 channels", "got 2"});
}

TEST(DataStart, LeadsAPerfectNetworkToTheData) {
  // Of data N(0, 0.5^2), the start from q(x_t) is exact.
  const NoiseSchedule schedule = cosine_schedule({.steps = 200});
  const DataStart start = {.mean = {0.0}, .spread = {0.5}, .smallest_alpha_bar = 0.2};
  const auto whole = gaussian_process(schedule);
  const auto process = whole.respaced(timesteps_from(start, schedule, respaced_timesteps(200, "")));
  const Tensor x =
      AncestralSampler().run(process.q(), process.denoiser(gaussian_network(schedule, 0.5)),
                             noise_from(start, process.q().schedule().alpha_bar.back(), noise_of(8, {1, 16, 16})));
  EXPECT_NEAR(x.mean().item<double>(), 0.0, 0.05);
  EXPECT_NEAR(x.std().item<double>(), 0.5, 0.03);
}

}  // namespace
}  // namespace iddpm
