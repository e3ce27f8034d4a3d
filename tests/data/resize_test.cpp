#include "iddpm/data/resize.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Resize, ToTheSameSizeChangesNothing) {
  for (const std::int64_t channels : {1, 2, 3, 4}) {
    const Image image = patterned_image(9, 6, channels);
    EXPECT_EQ(resize(image, 9, 6, ResizeFilter::bicubic).pixels, image.pixels);
    EXPECT_EQ(resize(image, 9, 6, ResizeFilter::box).pixels, image.pixels);
    EXPECT_EQ(resize_and_crop(image, 9, 6).pixels, image.pixels);
  }
}

TEST(Resize, OfOneAxisLeavesTheOtherExact) {
  Image image = {1, 3, 1, {10, 200, 77}};
  EXPECT_EQ(resize(image, 4, 3, ResizeFilter::bicubic).pixels,
            (Bytes{10, 10, 10, 10, 200, 200, 200, 200, 77, 77, 77, 77}));
}

TEST(Resize, ByTheBoxFilterIsTheMeanOfTheCoveredPixels) {
  const Image image = {4, 2, 1, {10, 20, 100, 101, 30, 40, 102, 104}};
  // Rows first, rounded: 15, 101 (100.5) and 35, 103; then columns: 25, 102.
  EXPECT_EQ(resize(image, 2, 1, ResizeFilter::box).pixels, (Bytes{25, 102}));
}

TEST(Resize, ByTheBicubicFilterWeighsAsKeysDoes) {
  // Halved, the filter is twice as wide: position 1 of 4 -> 2 lies at 1.0 between pixels; distances 0.25, 0.75, 1.25
  // weigh 0.8671875, 0.2265625, -0.0703125 (a = -0.5), cut off at the left border and normalised.
  const Image image = {4, 1, 1, {0, 80, 160, 240}};
  const double near = 0.8671875, middle = 0.2265625, far = -0.0703125;
  const double sum = 2.0 * near + middle + far;
  const double left = (near * 0.0 + near * 80.0 + middle * 160.0 + far * 240.0) / sum;
  const double right = 240.0 - left;
  EXPECT_EQ(resize(image, 2, 1, ResizeFilter::bicubic).pixels,
            (Bytes{static_cast<std::uint8_t>(std::lround(left)), static_cast<std::uint8_t>(std::lround(right))}));
}

TEST(Resize, OvershootIsClamped) {
  const Image image = {4, 1, 1, {0, 0, 255, 255}};
  const Image result = resize(image, 16, 1, ResizeFilter::bicubic);
  EXPECT_EQ(result.pixels.front(), 0);
  EXPECT_EQ(result.pixels.back(), 255);
}

// Values made with Pillow 9.4, whose resampling the published data loaders use.
TEST(Resize, AgreesWithPillow) {
  EXPECT_EQ(resize(patterned_image(7, 5, 1), 4, 3, ResizeFilter::bicubic).pixels,
            (Bytes{56, 127, 113, 151, 150, 117, 130, 146, 99, 159, 143, 161}));
  EXPECT_EQ(resize(patterned_image(4, 3, 1), 6, 5, ResizeFilter::bicubic).pixels,
            (Bytes{0,   8,   36,  60,  88,  104, 27, 43,  75,  110, 141, 159, 88, 109, 142,
                   172, 205, 226, 151, 184, 191, 97, 105, 138, 186, 226, 216, 41, 31,  71}));
  EXPECT_EQ(resize(patterned_image(7, 5, 1), 3, 2, ResizeFilter::box).pixels, (Bytes{113, 109, 163, 94, 162, 145}));
}

TEST(ResizeAndCrop, AgreesWithThePublishedLoaders) {
  EXPECT_EQ(resize_and_crop(patterned_image(13, 9, 1), 4, 4).pixels,
            (Bytes{147, 100, 94, 111, 120, 150, 111, 142, 114, 137, 107, 130, 139, 126, 138, 125}));
  EXPECT_EQ(resize_and_crop(patterned_image(21, 17, 3), 3, 3).pixels,
            (Bytes{119, 133, 136, 130, 133, 132, 128, 133, 125, 135, 129, 126, 127, 127,
                   137, 137, 120, 134, 131, 130, 124, 114, 149, 109, 124, 124, 122}));
}

TEST(ResizeAndCrop, KeepsTheCentre) {
  // Five columns of one colour each, as high as the target: the middle three remain.
  const Image image = {5, 3, 1, {1, 50, 100, 150, 250, 1, 50, 100, 150, 250, 1, 50, 100, 150, 250}};
  EXPECT_EQ(resize_and_crop(image, 3, 3).pixels, (Bytes{50, 100, 150, 50, 100, 150, 50, 100, 150}));
}

TEST(ResizeAndCrop, ServesTargetsThatAreNotSquare) {
  const Image result = resize_and_crop(patterned_image(50, 40, 3), 24, 6);
  EXPECT_EQ(result.width, 24);
  EXPECT_EQ(result.height, 6);
  EXPECT_EQ(result.pixels.size(), 24u * 6u * 3u);
  // Wide enough to be cut above and below only: the same as resizing to 24 x 19 and cutting 6 rows from row 6.
  const Image halved = resize(patterned_image(50, 40, 3), 25, 20, ResizeFilter::box);
  const Image whole = resize(halved, 24, 19, ResizeFilter::bicubic);
  const auto first = whole.pixels.begin() + 6 * 24 * 3;
  EXPECT_EQ(result.pixels, Bytes(first, first + 6 * 24 * 3));
}

TEST(ResizeAndCrop, OfAnExtremeStripCostsNoMoreThanTheStrip) {
  // Whole, the enlarged image would have 64 x 6,400,000 pixels.
  const Image strip = plain_image(1, 100'000, {42});
  EXPECT_EQ(resize_and_crop(strip, 64, 64).pixels, Bytes(64 * 64, 42));
}

TEST(Resize, DoesNotLetHiddenColoursShow) {
  // A transparent red pixel beside an opaque blue one.
  const Image image = {2, 1, 4, {255, 0, 0, 0, 0, 0, 255, 255}};
  EXPECT_EQ(resize(image, 1, 1, ResizeFilter::box).pixels, (Bytes{0, 0, 255, 128}));
}

TEST(Resize, OfAnOpaqueImageKeepsItOpaque) {
  Image image = patterned_image(8, 8, 4);
  for (std::size_t i = 3; i < image.pixels.size(); i += 4) image.pixels[i] = 255;
  const Image result = resize(image, 5, 3, ResizeFilter::bicubic);
  for (std::size_t i = 3; i < result.pixels.size(); i += 4) EXPECT_EQ(result.pixels[i], 255);
}

TEST(Resize, RefusesSizesBelowOne) {
  expect_error([] { resize(patterned_image(3, 3, 1), 0, 3, ResizeFilter::box); }, {"resize", "0 x 3"});
  expect_error([] { resize_and_crop(patterned_image(3, 3, 1), 3, -1); }, {"3 x -1"});
}

}  // namespace
}  // namespace iddpm
