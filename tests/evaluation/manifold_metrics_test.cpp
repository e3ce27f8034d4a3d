#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/metrics/density_coverage.h"
#include "iddpm/evaluation/metrics/nearest_neighbours.h"
#include "iddpm/evaluation/metrics/precision_recall.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

Tensor normal(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kFloat) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn(shape, generator, at::TensorOptions(at::kDouble)).to(type);
}

// All squared distances by differences, which is what the library's blocks must be as good as.
Tensor all_distances(const Tensor& a, const Tensor& b) {
  return (a.to(at::kDouble).unsqueeze(1) - b.to(at::kDouble).unsqueeze(0)).square().sum(2);
}

Tensor all_radii(const Tensor& x, std::int64_t k) {
  return std::get<0>(all_distances(x, x).sort(1)).select(1, k);  // 0 is the distance to itself
}

TEST(NearestNeighbours, RadiiAreThoseOfExactDistances) {
  // Close to one another but far from 0, where float32 products are at their worst.
  const Tensor features = normal({150, 32}, 1) * 1e-2 + 10.0;
  const Tensor radii = squared_neighbour_radii(features, std::array<std::int64_t, 3>{1, 5, 149}, {.block = 37});
  EXPECT_TRUE(all_close(radii[0], all_radii(features, 1), 0.0, 1e-12));
  EXPECT_TRUE(all_close(radii[1], all_radii(features, 5), 0.0, 1e-12));
  EXPECT_TRUE(all_close(radii[2], all_radii(features, 149), 0.0, 1e-12));
}

TEST(NearestNeighbours, AreExactAmongManyAllButEqualImages) {
  // Differences far below what float32 products resolve: every image is everyone's candidate.
  const Tensor features = at::cat(
      {at::ones({60, 8}, at::kDouble) + normal({60, 8}, 2, at::kDouble) * 1e-9, normal({20, 8}, 3, at::kDouble) * 1e6});
  const Tensor radii = squared_neighbour_radii(features, std::array<std::int64_t, 1>{2}, {.block = 16});
  EXPECT_TRUE(all_close(radii[0], all_radii(features, 2), 0.0, 1e-9));
}

TEST(NearestNeighbours, OfRepeatedImagesAreAtDistanceZero) {
  const Tensor features = normal({1, 16}, 4).expand({50, 16});
  const Tensor radii = squared_neighbour_radii(features, std::array<std::int64_t, 1>{3}, {.block = 8});
  EXPECT_EQ(radii.max().item<double>(), 0.0);
}

TEST(NearestNeighbours, RefuseMoreNeighboursThanThereAreOthers) {
  const Tensor features = normal({4, 2}, 5);
  EXPECT_NO_THROW(squared_neighbour_radii(features, std::array<std::int64_t, 1>{3}));
  EXPECT_THROW(squared_neighbour_radii(features, std::array<std::int64_t, 1>{4}), Error);
  EXPECT_THROW(squared_neighbour_radii(features, std::array<std::int64_t, 1>{0}), Error);
  EXPECT_THROW(squared_neighbour_radii(features, std::array<std::int64_t, 1>{1}, {.block = 0}), Error);
}

TEST(PairwiseDistances, RefuseFeaturesThatAreNotFiniteOrDontFit) {
  const Tensor features = normal({4, 2}, 5);
  const Tensor infinite = at::full_like(features, std::numeric_limits<double>::infinity());
  EXPECT_THROW(PairwiseDistances(features, infinite), Error);
  EXPECT_THROW(PairwiseDistances(features, normal({4, 3}, 5)), Error);
  EXPECT_THROW(PairwiseDistances(features, at::empty({0, 2})), Error);
}

TEST(PairwiseDistances, AreOffByTheirBoundAtMost) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const Tensor a = normal({70, 300}, 6, type) * 3.0 + 5.0;
    const Tensor b = normal({90, 300}, 7, type);
    const auto [squared, bound] = PairwiseDistances(a, b).block(10, 20, 40);
    const Tensor exact = all_distances(a.slice(0, 10, 50), b.slice(0, 20, 60));
    EXPECT_TRUE(((squared - exact).abs() <= bound).all().item<bool>());
    EXPECT_LT((bound / exact).max().item<double>(), type == at::kFloat ? 1e-3 : 1e-12);
  }
}

TEST(PrecisionRecall, OfASetWithItselfIsOne) {
  const Tensor features = normal({100, 12}, 8);
  const auto result = precision_recall(features, features, {.pairs = {.block = 33}});
  EXPECT_EQ(result.precision, 1.0);
  EXPECT_EQ(result.recall, 1.0);
}

TEST(PrecisionRecall, OfDistantSetsIsZero) {
  const auto result = precision_recall(normal({50, 4}, 9), normal({60, 4}, 10) + 1e3);
  EXPECT_EQ(result.precision, 0.0);
  EXPECT_EQ(result.recall, 0.0);
}

TEST(PrecisionRecall, TellsQualityFromVariety) {
  // Fakes that repeat one corner of the real set are precise but recall little.
  const Tensor real = normal({400, 2}, 11);
  const Tensor fake = normal({400, 2}, 12) * 0.1;
  const auto result = precision_recall(real, fake);
  EXPECT_GT(result.precision, 0.95);
  EXPECT_LT(result.recall, 0.1);
}

TEST(PrecisionRecall, BallsAreClosed) {
  // On a line: real images at 0 and 2 have balls of radius 2; the fake at 4 lies on the edge of the second's.
  const Tensor real = at::tensor({0.0, 2.0}).view({2, 1});
  const Tensor fake = at::tensor({4.0, 100.0}).view({2, 1});
  EXPECT_EQ(precision_recall(real, fake, {.k = 1}).precision, 0.5);
  EXPECT_EQ(density_coverage(real, fake, {.k = 1}).density, 0.0);
}

TEST(DensityCoverage, OfASetWithItselfIsOne) {
  const Tensor features = normal({100, 12}, 13);
  const auto result = density_coverage(features, features, {.k = 5, .pairs = {.block = 41}});
  EXPECT_DOUBLE_EQ(result.density, 1.0);
  EXPECT_EQ(result.coverage, 1.0);
}

TEST(DensityCoverage, OfRepeatedImagesCoversThem) {
  const Tensor one = at::ones({20, 3});
  EXPECT_EQ(density_coverage(one, one).coverage, 1.0);
  EXPECT_EQ(precision_recall(one, one).precision, 1.0);
}

TEST(DensityCoverage, CountsEveryBallThatHoldsAFake) {
  // All fakes at the centre of a tight real cluster lie in nearly every ball: the density exceeds 1.
  const Tensor real = normal({50, 2}, 14);
  const auto result = density_coverage(real, at::zeros({10, 2}), {.k = 25});
  EXPECT_GT(result.density, 1.0);
}

TEST(ManifoldMetrics, AreThoseOfExactDistancesWhateverTheBlocks) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const Tensor real = normal({130, 24}, 15, type);
    const Tensor fake = normal({110, 24}, 16, type) * 0.9 + 0.2;
    const Tensor distances = all_distances(real, fake);
    const Tensor real_radii = all_radii(real, 3).unsqueeze(1);
    const Tensor fake_radii = all_radii(fake, 3).unsqueeze(0);
    const auto share = [](const Tensor& which) { return which.to(at::kDouble).mean().item<double>(); };
    for (const std::int64_t block : {1000, 64, 9}) {
      const NeighbourOptions options{.k = 3, .pairs = {.block = block}};
      const auto manifold = precision_recall(real, fake, options);
      const auto balls = density_coverage(real, fake, options);
      EXPECT_DOUBLE_EQ(manifold.precision, share((distances <= real_radii).any(0)));
      EXPECT_DOUBLE_EQ(manifold.recall, share((distances <= fake_radii).any(1)));
      EXPECT_DOUBLE_EQ(balls.density, share((distances < real_radii).sum(0)) / 3.0);
      EXPECT_DOUBLE_EQ(balls.coverage, share((distances < real_radii).any(1)));
    }
  }
}

TEST(ManifoldMetrics, ReportProgressToTheEndAndCanBeStopped) {
  const Tensor features = normal({100, 4}, 17);
  std::int64_t last = 0;
  std::int64_t expected = 0;
  PairwiseOptions options{.block = 30, .progress = [&](std::int64_t done, std::int64_t total) {
                            EXPECT_EQ(done, last + 1);
                            last = done;
                            expected = total;
                          }};
  squared_neighbour_radii(features, std::array<std::int64_t, 1>{1}, options);
  EXPECT_EQ(last, expected);
  EXPECT_EQ(last, 10);
  options.progress = [](std::int64_t, std::int64_t) { throw Error("stopped"); };
  EXPECT_THROW(precision_recall(features, features, {.pairs = options}), Error);
}

}  // namespace
}  // namespace iddpm
