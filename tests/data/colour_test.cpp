#include "iddpm/data/colour.h"

#include <gtest/gtest.h>

#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(ConvertChannels, GreyIsTheLumaOfBt601) {
  EXPECT_EQ(convert_channels({3, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255}}, 1).pixels, (Bytes{76, 150, 29}));
  // Values made with Pillow 9.4.
  EXPECT_EQ(convert_channels(patterned_image(5, 3, 3), 1).pixels,
            (Bytes{43, 80, 117, 154, 191, 134, 178, 193, 87, 54, 196, 97, 71, 122, 173}));
}

TEST(ConvertChannels, GreyThroughColourIsUnchanged) {
  Image grey = {256, 1, 1, {}};
  for (int i = 0; i < 256; ++i) grey.pixels.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(convert_channels(convert_channels(grey, 3), 1).pixels, grey.pixels);
  EXPECT_EQ(convert_channels(convert_channels(grey, 4), 1).pixels, grey.pixels);
}

TEST(ConvertChannels, LaysTransparentPixelsOverTheBackground) {
  const Image image = {3, 1, 4, {200, 100, 0, 255, 200, 100, 0, 0, 200, 100, 0, 128}};
  EXPECT_EQ(convert_channels(image, 3).pixels, (Bytes{200, 100, 0, 255, 255, 255, 227, 177, 127}));
  EXPECT_EQ(convert_channels(image, 3, 0.0).pixels, (Bytes{200, 100, 0, 0, 0, 0, 100, 50, 0}));
}

TEST(ConvertChannels, OfGreyWithAlpha) {
  const Image image = {2, 1, 2, {100, 255, 100, 0}};
  EXPECT_EQ(convert_channels(image, 1, 0.0).pixels, (Bytes{100, 0}));
  EXPECT_EQ(convert_channels(image, 3, 1.0).pixels, (Bytes{100, 100, 100, 255, 255, 255}));
  EXPECT_EQ(convert_channels(image, 4).pixels, (Bytes{100, 100, 100, 255, 100, 100, 100, 0}));
}

TEST(ConvertChannels, KeepsAlphaForFourChannelsAndAddsItOpaque) {
  const Image image = {1, 1, 4, {1, 2, 3, 4}};
  EXPECT_EQ(convert_channels(image, 4).pixels, image.pixels);
  EXPECT_EQ(convert_channels({1, 1, 3, {1, 2, 3}}, 4).pixels, (Bytes{1, 2, 3, 255}));
}

TEST(ConvertChannels, RefusesOtherNumbers) {
  expect_error([] { convert_channels(patterned_image(2, 2, 3), 2); }, {"1 (grey), 3 (RGB) or 4 (RGBA)", "got 2"});
}

}  // namespace
}  // namespace iddpm
