#include "iddpm/core/random_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

std::vector<std::uint32_t> take_bits(RandomStream stream, int count) {
  std::vector<std::uint32_t> bits;
  for (int i = 0; i < count; ++i) bits.push_back(stream.bits());
  return bits;
}

std::vector<float> take_normals(RandomStream stream, std::size_t count) {
  std::vector<float> values(count);
  stream.fill_normal(values);
  return values;
}

TEST(RandomStream, IsAFunctionOfSeedPurposeAndIndex) {
  const auto bits = [](std::uint64_t seed, StreamPurpose purpose, std::uint64_t index) {
    return take_bits(RandomStream(seed, purpose, index), 8);
  };
  EXPECT_EQ(bits(1, StreamPurpose::sampling, 2), bits(1, StreamPurpose::sampling, 2));
  const std::set<std::vector<std::uint32_t>> streams = {
      bits(1, StreamPurpose::sampling, 2),
      bits(2, StreamPurpose::sampling, 2),
      bits(1, StreamPurpose::dropout, 2),
      bits(1, StreamPurpose::sampling, 3),
      bits(1, StreamPurpose::sampling, std::uint64_t{2} << 32),
      bits(std::uint64_t{1} << 32, StreamPurpose::sampling, 2),
  };
  EXPECT_EQ(streams.size(), 6u);
}

// Runs are resumed and compared across versions: a change of these numbers breaks every stored seed.
TEST(RandomStream, KeepsItsNumbersFromVersionToVersion) {
  const std::vector<std::uint32_t> expected = {544730084, 1187001522, 2728947146, 3271440557, 169404730};
  EXPECT_EQ(take_bits(RandomStream(7, StreamPurpose::sampling, 3), 5), expected);
  const std::vector<float> normals = take_normals(RandomStream(7, StreamPurpose::sampling, 3), 3);
  EXPECT_NEAR(normals[0], -0.34348208, 1e-6);
  EXPECT_NEAR(normals[1], -0.39149681, 1e-6);
  EXPECT_NEAR(normals[2], 0.27993771, 1e-6);
}

TEST(RandomStream, ContinuesAtABlockAsIfAllBeforeHadBeenDrawn) {
  RandomStream drawn(5, StreamPurpose::evaluation);
  for (int i = 0; i < 4 * 3; ++i) drawn.bits();
  RandomStream sought(5, StreamPurpose::evaluation);
  sought.bits();
  sought.seek(3);
  EXPECT_EQ(take_bits(drawn, 9), take_bits(sought, 9));
}

TEST(RandomStream, ReachesBlocksBeyond32Bits) {
  RandomStream near(5, StreamPurpose::evaluation), far(5, StreamPurpose::evaluation);
  near.seek(1);
  far.seek((std::uint64_t{1} << 32) + 1);
  EXPECT_NE(take_bits(near, 4), take_bits(far, 4));
}

TEST(RandomStream, UniformNumbersFillTheUnitIntervalEvenly) {
  RandomStream stream(11, StreamPurpose::evaluation);
  constexpr int count = 20000;
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < count; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / count, 0.5, 0.01);
  EXPECT_NEAR(squares / count, 1.0 / 3.0, 0.01);
}

TEST(RandomStream, NormalNumbersHaveTheMomentsOfTheNormalDistribution) {
  const std::vector<float> values = take_normals(RandomStream(13, StreamPurpose::evaluation), 40000);
  double moments[5] = {};
  for (float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    for (int k = 1; k <= 4; ++k) moments[k] += std::pow(value, k) / static_cast<double>(values.size());
  }
  EXPECT_NEAR(moments[1], 0.0, 0.02);
  EXPECT_NEAR(moments[2], 1.0, 0.03);
  EXPECT_NEAR(moments[3], 0.0, 0.08);
  EXPECT_NEAR(moments[4], 3.0, 0.2);
}

TEST(RandomStream, NeighbouringStreamsAreUncorrelated) {
  const std::vector<float> a = take_normals(RandomStream(1, StreamPurpose::sampling, 0), 10000);
  const std::vector<float> b = take_normals(RandomStream(1, StreamPurpose::sampling, 1), 10000);
  const std::vector<float> c = take_normals(RandomStream(2, StreamPurpose::sampling, 0), 10000);
  const auto correlation = [](const std::vector<float>& x, const std::vector<float>& y) {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
    return sum / static_cast<double>(x.size());
  };
  EXPECT_NEAR(correlation(a, b), 0.0, 0.04);
  EXPECT_NEAR(correlation(a, c), 0.0, 0.04);
}

TEST(RandomStream, AnOddNumberOfNormalsIsABeginningOfAnEvenOne) {
  const std::vector<float> five = take_normals(RandomStream(3, StreamPurpose::evaluation), 5);
  const std::vector<float> six = take_normals(RandomStream(3, StreamPurpose::evaluation), 6);
  EXPECT_TRUE(std::equal(five.begin(), five.end(), six.begin()));
}

TEST(RandomStream, NumbersBelowNReachEachValueAboutAsOften) {
  RandomStream stream(17, StreamPurpose::data_order);
  std::vector<int> counts(7);
  for (int i = 0; i < 7000; ++i) ++counts.at(stream.below(7));
  for (int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(stream.below(1), 0u);
  const std::uint64_t large = (std::uint64_t{1} << 63) + 1;
  for (int i = 0; i < 100; ++i) EXPECT_LT(stream.below(large), large);
  expect_error([&] { stream.below(0); }, {"above 0"});
}

TEST(NormalPerImage, GivesEachImageTheNumbersOfItsStream) {
  std::vector<RandomStream> streams = {RandomStream(1, StreamPurpose::sampling, 4),
                                       RandomStream(1, StreamPurpose::sampling, 9)};
  const Tensor noise = normal_per_image(streams, {3, 2, 5});
  EXPECT_EQ(noise.sizes(), (std::vector<std::int64_t>{2, 3, 2, 5}));
  EXPECT_EQ(noise.scalar_type(), at::kFloat);
  const std::vector<float> alone = take_normals(RandomStream(1, StreamPurpose::sampling, 9), 30);
  EXPECT_TRUE(at::equal(noise[1].flatten(), at::tensor(at::ArrayRef<float>(alone))));
}

TEST(NormalPerImage, GivesNothingForNoImages) {
  EXPECT_EQ(normal_per_image({}, {1, 2, 2}).sizes(), (std::vector<std::int64_t>{0, 1, 2, 2}));
}

TEST(Permutation, HoldsEveryNumberOnceInAnOrderOfItsOwn) {
  const auto order = permutation(RandomStream(1, StreamPurpose::data_order, 0), 100);
  const auto next_epoch = permutation(RandomStream(1, StreamPurpose::data_order, 1), 100);
  EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 100u);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 99);
  EXPECT_NE(order, next_epoch);
  EXPECT_EQ(order, permutation(RandomStream(1, StreamPurpose::data_order, 0), 100));
  EXPECT_TRUE(permutation(RandomStream(1, StreamPurpose::data_order), 0).empty());
  expect_error([] { permutation(RandomStream(1, StreamPurpose::data_order), -1); }, {"-1"});
}

}  // namespace
}  // namespace iddpm
