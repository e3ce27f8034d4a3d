#include "iddpm/report/image_grid.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/report/noising_strip.h"
#include "iddpm/report/text.h"

namespace iddpm {
namespace {

using Pixel = std::array<int, 3>;

Pixel pixel(const Image& image, std::int64_t x, std::int64_t y) {
  const std::uint8_t* p = &image.pixels[(y * image.width + x) * 3];
  return {p[0], p[1], p[2]};
}

constexpr Pixel kWhite = {255, 255, 255};
constexpr Pixel kBlack = {0, 0, 0};

TEST(ImageGrid, PlacesImagesRowByRowWithPadding) {
  // Three grey 1 x 1 images in two columns.
  const Tensor images = at::tensor({-1.0f, 0.0f, 1.0f}).reshape({3, 1, 1, 1});
  const Image grid = image_grid(images, {.columns = 2, .padding = 1, .background = {9, 9, 9}});
  ASSERT_EQ(grid.width, 5);
  ASSERT_EQ(grid.height, 5);
  ASSERT_EQ(grid.channels, 3);
  const Pixel background = {9, 9, 9};
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 5; ++x) {
      Pixel expected = background;
      if (x == 1 && y == 1) expected = kBlack;
      if (x == 3 && y == 1) expected = {128, 128, 128};
      if (x == 1 && y == 3) expected = kWhite;
      EXPECT_EQ(pixel(grid, x, y), expected) << x << ", " << y;
    }
  }
}

TEST(ImageGrid, UpscalesToSquaresOfTheSameColour) {
  const Tensor image = at::tensor({-1.0f, 1.0f}).reshape({1, 1, 1, 2});
  const Image grid = image_grid(image, {.padding = 0, .upscale = 3});
  ASSERT_EQ(grid.width, 6);
  ASSERT_EQ(grid.height, 3);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 6; ++x) EXPECT_EQ(pixel(grid, x, y), x < 3 ? kBlack : kWhite);
  }
}

TEST(ImageGrid, KeepsColoursAndCompositesAlpha) {
  const Tensor red = at::tensor({1.0f, -1.0f, -1.0f}).reshape({1, 3, 1, 1});
  EXPECT_EQ(pixel(image_grid(red, {.padding = 0}), 0, 0), (Pixel{255, 0, 0}));
  const Tensor transparent = at::cat({red, at::full({1, 1, 1, 1}, -1.0)}, 1);
  EXPECT_EQ(pixel(image_grid(transparent, {.padding = 0, .background = {7, 8, 9}}), 0, 0), (Pixel{7, 8, 9}));
  const Tensor opaque = at::cat({red, at::full({1, 1, 1, 1}, 1.0)}, 1);
  EXPECT_EQ(pixel(image_grid(opaque, {.padding = 0}), 0, 0), (Pixel{255, 0, 0}));
}

TEST(ImageGrid, ChoosesAboutAsManyColumnsAsRows) {
  const Image grid = image_grid(at::zeros({9, 1, 4, 4}), {.padding = 0});
  EXPECT_EQ(grid.width, 12);
  EXPECT_EQ(grid.height, 12);
}

TEST(ImageGrid, ColumnsGrowForTheWidestWordAndCaptionsWrapAtSpaces) {
  const Tensor images = at::zeros({2, 1, 8, 8});
  const GridOptions narrow{.columns = 2, .padding = 0, .column_captions = {"TTTT", "a"}};
  const GridOptions two_lines{.columns = 2, .padding = 0, .column_captions = {"TTTT TTTT", "a"}};
  const Image one = image_grid(images, narrow), two = image_grid(images, two_lines);
  EXPECT_EQ(one.width, 2 * std::ceil(text_width("TTTT", {})));
  EXPECT_EQ(two.width, one.width);
  EXPECT_EQ(two.height, one.height + std::ceil(line_height({})));
}

TEST(ImageGrid, CutsAWordThatIsFarTooLong) {
  const Image grid = image_grid(at::zeros({1, 1, 8, 8}), {.padding = 0, .column_captions = {std::string(500, 'W')}});
  EXPECT_EQ(grid.width, 32);
}

TEST(ImageGrid, DrawsRowLabelsLeftOfTheirRows) {
  const Image grid = image_grid(at::ones({2, 1, 20, 20}), {.columns = 1, .padding = 0, .row_labels = {"T", ""}});
  const std::int64_t label_end = grid.width - 20;
  ASSERT_GE(label_end, std::ceil(text_width("T", {})));
  bool upper = false, lower = false;
  for (int y = 0; y < grid.height; ++y) {
    for (int x = 0; x < label_end; ++x) (y < 20 ? upper : lower) |= pixel(grid, x, y) != kWhite;
  }
  EXPECT_TRUE(upper);
  EXPECT_FALSE(lower);
}

TEST(ImageGrid, RefusesWhatItCannotDraw) {
  EXPECT_THROW(image_grid(at::zeros({0, 1, 8, 8})), Error);
  EXPECT_THROW(image_grid(at::zeros({1, 5, 8, 8})), Error);
  EXPECT_THROW(image_grid(at::zeros({8, 8})), Error);
  EXPECT_THROW(image_grid(at::zeros({4, 1, 8, 8}), {.columns = 2, .row_labels = {"one"}}), Error);
  EXPECT_THROW(image_grid(at::zeros({4, 1, 8, 8}), {.columns = 2, .column_captions = {"1", "2", "3"}}), Error);
  EXPECT_THROW(image_grid(at::zeros({4, 1, 8, 8}), {.upscale = 0}), Error);
  EXPECT_THROW(image_grid(at::zeros({4, 1, 8, 8}), {.upscale = std::int64_t{1} << 61}), Error);
}

TEST(NoisingStrip, PutsEachProcessInItsRow) {
  const NoisingRow dark{"", at::full({3, 1, 64, 64}, -1.0)}, light{"", at::full({3, 1, 64, 64}, 1.0)};
  const Image strip = noising_strip({dark, light}, {0, 5, 9}, {.padding = 0, .upscale = 0, .background = {9, 9, 9}});
  EXPECT_EQ(strip.width, 3 * 64);
  EXPECT_EQ(pixel(strip, 0, strip.height - 65), kBlack);
  EXPECT_EQ(pixel(strip, strip.width - 1, strip.height - 64), kWhite);
}

TEST(NoisingStrip, RefusesRowsThatDoNotMatchTheTimesteps) {
  EXPECT_THROW(noising_strip({{"linear", at::zeros({2, 1, 8, 8})}}, {0, 5, 9}), Error);
  EXPECT_THROW(noising_strip({}, {0}), Error);
}

}  // namespace
}  // namespace iddpm
