#include <gtest/gtest.h>

#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/metrics/inception_score.h"
#include "iddpm/evaluation/metrics/kernel_distance.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

Tensor normal(at::IntArrayRef shape, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::TensorOptions(at::kDouble));
}

TEST(KernelDistance, OfFourNumbersIsWhatOneWritesDown) {
  // Kernel (x y + 1)^3: k(1, 2) = 27 among the real, k(0, 3) = 1 among the fake; across 1, 64, 1, 343.
  const Tensor real = at::tensor({1.0, 2.0}, at::kDouble).view({2, 1});
  const Tensor fake = at::tensor({0.0, 3.0}, at::kDouble).view({2, 1});
  EXPECT_NEAR(kernel_distance(real, fake), 27.0 + 1.0 - 2.0 * (1.0 + 64.0 + 1.0 + 343.0) / 4.0, 1e-12);
}

TEST(KernelDistance, DoesNotDependOnTheBlocks) {
  const Tensor real = normal({90, 16}, 1);
  const Tensor fake = normal({70, 16}, 2) * 1.1;
  const double whole = kernel_distance(real, fake);
  for (const std::int64_t block : {1, 13, 64}) {
    EXPECT_NEAR(kernel_distance(real, fake, {.block = block}), whole, 1e-12);
  }
}

TEST(KernelDistance, InFloat32KeepsItsDigitsFarFromZero) {
  const Tensor real = (normal({200, 64}, 3) * 0.05 + 1.0).to(at::kFloat);
  const Tensor fake = (normal({200, 64}, 4) * 0.05 + 1.01).to(at::kFloat);
  const double exact = kernel_distance(real.to(at::kDouble), fake.to(at::kDouble));
  EXPECT_NEAR(kernel_distance(real, fake), exact, 1e-5 * std::abs(exact));
}

TEST(KernelDistance, IsUnbiased) {
  // Between two draws of one distribution it is 0 on average; the biased estimate would be about 0.65 here.
  double mean = 0.0;
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    mean += kernel_distance(normal({30, 4}, 100 + 2 * draw), normal({30, 4}, 101 + 2 * draw)) / 200.0;
  }
  EXPECT_NEAR(mean, 0.0, 0.05);
}

TEST(KernelDistance, RefusesSingleImages) {
  EXPECT_THROW(kernel_distance(normal({1, 4}, 5), normal({5, 4}, 6)), Error);
  EXPECT_THROW(kernel_distance(normal({5, 3}, 5), normal({5, 4}, 6)), Error);
}

TEST(InceptionScore, IsOneForEqualPredictionsAndTheNumberOfClassesForSureAndBalancedOnes) {
  EXPECT_NEAR(inception_score(at::full({20, 10}, 0.1)).mean, 1.0, 1e-7);
  EXPECT_NEAR(inception_score(at::eye(10).repeat({3, 1})).mean, 10.0, 1e-12);
}

TEST(InceptionScore, SplitsAreScoredApart) {
  // The first half predicts one class only, the second two: scores 1 and 2.
  const Tensor first = at::eye(2).slice(0, 0, 1).expand({8, 2});
  const Tensor second = at::eye(2).repeat({4, 1});
  const auto score = inception_score(at::cat({first, second}), 2);
  EXPECT_NEAR(score.mean, 1.5, 1e-12);
  EXPECT_NEAR(score.standard_deviation, 0.5, 1e-12);
}

TEST(InceptionScore, RefusesWhatIsNoDistribution) {
  EXPECT_THROW(inception_score(at::full({4, 4}, 0.5)), Error);
  EXPECT_THROW(inception_score(at::eye(4) * 2.0 - at::eye(4).roll(1, 1)), Error);
  EXPECT_THROW(inception_score(at::eye(4), 5), Error);
  EXPECT_THROW(inception_score(at::eye(4), 0), Error);
}

}  // namespace
}  // namespace iddpm
