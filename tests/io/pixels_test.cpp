#include "iddpm/io/pixels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

TEST(Pixels, SpanMinusOneToOneAndClampWhatIsBeyond) {
  const Tensor x = at::tensor({-1.0, 0.0, 1.0, -2.0, 2.0, 0.5}, at::kFloat).view({1, 2, 3});
  const Tensor pixels = to_pixels(x);
  EXPECT_EQ(pixels.scalar_type(), at::kByte);
  EXPECT_TRUE(at::equal(pixels, at::tensor({0, 128, 255, 0, 255, 191}, at::kInt).to(at::kByte).view({1, 2, 3})));
}

TEST(Pixels, ComeBackFromFloatsAsTheyWere) {
  const Tensor pixels = at::arange(256, at::kInt).to(at::kByte).view({4, 1, 8, 8});
  const Tensor floats = from_pixels(pixels);
  EXPECT_EQ(floats.scalar_type(), at::kFloat);
  EXPECT_EQ(floats.min().item<float>(), -1.0f);
  EXPECT_EQ(floats.max().item<float>(), 1.0f);
  EXPECT_TRUE(at::equal(to_pixels(floats), pixels));
  EXPECT_TRUE(at::equal(to_pixels(floats.to(at::kDouble)), pixels));
}

TEST(Pixels, OfWhatIsNotFiniteAreRefusedWithTheirNumber) {
  const auto refused = [](double first, double second) {
    Tensor x = at::zeros({1, 2, 2});
    x[0][0][1] = first;
    x[0][1][1] = second;
    EXPECT_THROW(to_pixels(x), NotFiniteError);
    return throws_error([&] { to_pixels(x); }, "2 of 4 values");
  };
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(refused(std::nan(""), std::nan("")));
  EXPECT_TRUE(refused(infinity, -infinity));
}

}  // namespace
}  // namespace iddpm
