#include "iddpm/report/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

Image white(std::int64_t width, std::int64_t height) {
  return {width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3), 255)};
}

Image picture_of(std::string_view text, double size = 20) {
  Image image = white(120, 40);
  draw_text(image, 4, 4, text, {.size = size}, {});
  return image;
}

std::int64_t dark_pixels(const Image& image) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) count += image.pixels[i] < 128;
  return count;
}

TEST(Text, CharactersOfManyScriptsDiffer) {
  // None of them is the box that stands for a character without a glyph in one font: that box would differ too, by its
  // code point, so this test sees a font that is missing only where all of them are empty.
  for (const char* text : {"T", "β", "猫", "ж"}) EXPECT_GT(dark_pixels(picture_of(text)), 10) << text;
  EXPECT_NE(picture_of("猫").pixels, picture_of("犬").pixels);
}

TEST(Text, IsAsWideAsItIsLargeAndLong) {
  EXPECT_EQ(text_width("", {}), 0);
  EXPECT_NEAR(text_width("width", {.size = 40}), 2 * text_width("width", {.size = 20}), 0.5);
  EXPECT_GT(text_width("width and more", {}), text_width("width", {}));
  EXPECT_GE(line_height({.size = 20}), 20);
}

TEST(Text, BrokenUtf8IsDrawnAsTheSignForIt) {
  EXPECT_EQ(text_width("\xFF", {}), text_width("\uFFFD", {}));
  EXPECT_EQ(picture_of("a\xC3").pixels, picture_of("a\uFFFD").pixels);
}

TEST(Text, BeyondTheImageIsCutOff) {
  Image image = white(8, 8);
  draw_text(image, 1000, -1000, "far away", {}, {});
  EXPECT_EQ(image.pixels, white(8, 8).pixels);
  draw_text(image, -3, -6, "TTTT", {.size = 20}, {});
  EXPECT_GT(dark_pixels(image), 0);
}

TEST(Text, WordsAreWrappedAndWideOnesCut) {
  const TextStyle style;
  const double width = text_width("two words", style) + 0.5;
  EXPECT_EQ(wrap_text({"two", "words", "more"}, width, style), (std::vector<std::string>{"two words", "more"}));
  const auto cut = wrap_text({std::string(300, 'w')}, width, style);
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_TRUE(cut[0].starts_with("ww") && cut[0].ends_with("…")) << cut[0];
  EXPECT_LE(text_width(cut[0], style), width);
}

TEST(Text, RefusesGreyImages) {
  Image grey{2, 2, 1, std::vector<std::uint8_t>(4)};
  EXPECT_THROW(draw_text(grey, 0, 0, "a", {}, {}), Error);
}

}  // namespace
}  // namespace iddpm
