#include "iddpm/samplers/image_start.h"

#include <gtest/gtest.h>

#include "iddpm/samplers/ddim.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

using Kept = std::vector<std::int64_t>;

TEST(ImageStart, KeepsTheShareOfTheProcessThatTheStrengthSays) {
  const Kept all = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99};
  EXPECT_EQ(timesteps_within(1.0, 100, all), all);
  EXPECT_EQ(timesteps_within(0.51, 100, all), (Kept{0, 10, 20, 30, 40, 50}));
  EXPECT_EQ(timesteps_within(0.5, 100, all), (Kept{0, 10, 20, 30, 40}));
  EXPECT_EQ(timesteps_within(0.001, 100, all), Kept{0}) << "at least one";
  EXPECT_EQ(timesteps_within(0.29, 100, {27, 28, 29}), (Kept{27, 28})) << "29 steps are those below 29";
  for (const double strength : {0.0, -0.1, 1.001}) {
    expect_error([&] { timesteps_within(strength, 100, all); }, {"strength", fmt::format("{}", strength)});
  }
}

TEST(ImageStart, BeginsAtTheImagesWithTheNoiseOfTheLevel) {
  const Tensor images = random_noise({2, 1, 4, 4}, 1), noise = random_noise({2, 1, 4, 4}, 2);
  const NoiseLevel level = NoiseLevel::of_alpha_bar(0.36);
  const NoiseSource around = noise_around(images, level, [&](std::int64_t draw) { return noise + draw; });
  EXPECT_TRUE(at::allclose(around(0), 0.6 * images + 0.8 * noise));
  EXPECT_TRUE(at::equal(around(1), noise + 1)) << "the noise of the steps is as it was";
  expect_error([&] { noise_around(images.slice(0, 0, 1), level, [&](std::int64_t) { return noise; })(0); },
               {"[2, 1, 4, 4]", "[1, 1, 4, 4]"});
}

TEST(ImageStart, WithLittleStrengthEndsNearTheImagesAndWithAllOfItAnywhere) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 100});
  const ReverseProcess whole = gaussian_process(schedule);
  const Tensor images = 0.5 * random_noise({4, 1, 8, 8}, 3), noise = random_noise({4, 1, 8, 8}, 4);
  const auto distance = [&](double strength) {
    Kept all;
    for (std::int64_t t = 0; t < 100; ++t) all.push_back(t);
    const ReverseProcess process = whole.respaced(timesteps_within(strength, 100, all));
    const NoiseLevel level = NoiseLevel::of_alpha_bar(process.q().schedule().alpha_bar.back());
    const Tensor drawn = DdimSampler().run(process.q(), process.denoiser(gaussian_network(schedule, 0.5)),
                                           noise_around(images, level, [&](std::int64_t) { return noise; }));
    return (drawn - images).square().mean().sqrt().item<double>();
  };
  EXPECT_LT(distance(0.02), 0.05);
  EXPECT_GT(distance(0.5), 0.1);
  EXPECT_GT(distance(1.0), 0.5);
}

}  // namespace
}  // namespace iddpm
