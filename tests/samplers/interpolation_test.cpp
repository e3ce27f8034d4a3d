#include "iddpm/samplers/interpolation.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm {
namespace {

bool alike(const Tensor& a, const Tensor& b) { return at::allclose(a, b, 1e-4, 1e-5); }

TEST(Interpolation, GoesFromTheFirstLatentThroughEachToTheLast) {
  const Tensor latents = random_noise({3, 1, 8, 8}, 1);
  EXPECT_TRUE(alike(interpolated_latent(latents, 0.0), latents[0]));
  EXPECT_TRUE(alike(interpolated_latent(latents, 0.5), latents[1]));
  EXPECT_TRUE(alike(interpolated_latent(latents, 1.0), latents[2]));
}

TEST(Interpolation, KeepsTheLengthAndTheSpeedOfTheTurn) {
  const Tensor x = at::zeros({2, 1, 1, 2});
  x[0][0][0][0] = 2.0;
  x[1][0][0][1] = 2.0;
  const Tensor third = interpolated_latent(x, 1.0 / 3.0).flatten();
  EXPECT_TRUE(alike(third, at::tensor({std::sqrt(3.0F), 1.0F}))) << third;
}

TEST(Interpolation, OfTheSameLatentIsTheLatent) {
  const Tensor one = random_noise({1, 1, 4, 4}, 2);
  EXPECT_TRUE(alike(interpolated_latent(at::cat({one, one}), 0.3), one[0]));
}

TEST(Interpolation, RefusesTooFewLatentsAndPlacesBeyond) {
  expect_error([] { interpolated_latent(at::ones({1, 1, 4, 4}), 0.5); }, {"at least 2", "[1, 1, 4, 4]"});
  expect_error([] { interpolated_latent(at::ones({2, 1, 4, 4}), 1.5); }, {"0 to 1", "1.5"});
}

}  // namespace
}  // namespace iddpm
