#include "iddpm/nn/timestep_embedding.h"

#include <gtest/gtest.h>

#include <cmath>

namespace iddpm {
namespace {

TEST(TimestepEmbedding, HasCosinesFirstAndThenSines) {
  const Tensor embedding = timestep_embedding(at::tensor({0.0, 1.0, 250.5}), 8);
  ASSERT_EQ(embedding.sizes(), at::IntArrayRef({3, 8}));
  const double times[] = {0.0, 1.0, 250.5};
  for (int n = 0; n < 3; ++n) {
    for (int i = 0; i < 4; ++i) {
      const double angle = times[n] * std::pow(10000.0, -i / 4.0);
      EXPECT_NEAR(embedding[n][i].item<double>(), std::cos(angle), 1e-4);
      EXPECT_NEAR(embedding[n][4 + i].item<double>(), std::sin(angle), 1e-4);
    }
  }
}

TEST(TimestepEmbedding, EndsWithZeroIfTheWidthIsOdd) {
  const Tensor embedding = timestep_embedding(at::tensor({7}, at::kLong), 5);
  EXPECT_EQ(embedding.sizes(), at::IntArrayRef({1, 5}));
  EXPECT_EQ(embedding[0][4].item<double>(), 0.0);
  EXPECT_TRUE(embedding.slice(1, 0, 4).equal(timestep_embedding(at::tensor({7}, at::kLong), 4)));
}

TEST(TimestepEmbedding, IsFloat32UnlessTheTimestepsAreFloat64) {
  EXPECT_EQ(timestep_embedding(at::tensor({7}, at::kLong), 4).scalar_type(), at::kFloat);
  EXPECT_EQ(timestep_embedding(at::tensor({7.0}, at::kDouble), 4).scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace iddpm
