#include "iddpm/report/bitmap_font.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

/// A glyph as text, rows separated by '/'.
std::string art(char32_t code) {
  const Glyph& shape = glyph(code);
  std::string text;
  for (int row = 0; row < Glyph::kRows; ++row) {
    for (int column = 0; column < shape.width; ++column) text += shape.at(row, column) ? '#' : '.';
    text += '/';
  }
  return text;
}

TEST(BitmapFont, DrawsTheLettersAsTheyLook) {
  EXPECT_EQ(art('T'), "#####/..#../..#../..#../..#../..#../..#../...../...../");
  EXPECT_EQ(art('i'), "#/./#/#/#/#/#/././");
}

TEST(BitmapFont, EveryPrintableCharacterHasItsOwnGlyph) {
  std::set<std::string> seen;
  for (char32_t code = '!'; code < 0x7F; ++code) {
    const bool like_another = code == 'O';  // and 0
    EXPECT_NE(seen.insert(art(code)).second, like_another) << "at " << static_cast<char>(code);
    EXPECT_NE(art(code), art(U'\u4E00')) << static_cast<char>(code);
  }
}

TEST(BitmapFont, DigitsHaveEqualWidths) {
  for (char32_t digit = '0'; digit <= '9'; ++digit) EXPECT_EQ(glyph(digit).width, 5);
}

TEST(BitmapFont, WidthsAddUpWithOneColumnBetween) {
  EXPECT_EQ(text_columns("T"), 5);
  EXPECT_EQ(text_columns("TT"), 11);
  EXPECT_EQ(text_columns(""), 0);
  EXPECT_EQ(text_columns("β"), text_columns("β\u0303")) << "a combining mark takes no room";
}

TEST(BitmapFont, UnknownCharactersAndBrokenUtf8AreABox) {
  EXPECT_EQ(text_columns("\xFF"), glyph(U'\u4E00').width);
  EXPECT_EQ(place_glyphs("\xC3").size(), 1u);
}

TEST(BitmapFont, TextBeyondTheImageIsCutOff) {
  Image image{3, 3, 3, std::vector<std::uint8_t>(27, 255)};
  draw_bitmap_text(image, -2, -1, "T", 1, {1, 2, 3});
  // Of the T only its stem, now in the first column, is left.
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) EXPECT_EQ(image.pixels[(y * 3 + x) * 3 + 1], x == 0 ? 2 : 255) << x << ", " << y;
  }
  draw_bitmap_text(image, 1000, -1000, "far away", 5);
}

TEST(BitmapFont, ScaledTextEnlargesEveryCell) {
  Image image{10, 14, 3, std::vector<std::uint8_t>(10 * 14 * 3, 255)};
  draw_bitmap_text(image, 0, 0, "T", 2);
  for (int y = 0; y < 14; ++y) {
    for (int x = 0; x < 10; ++x) {
      EXPECT_EQ(image.pixels[(y * 10 + x) * 3] == 0, glyph('T').at(y / 2, x / 2)) << x << ", " << y;
    }
  }
}

TEST(BitmapFont, RefusesGreyImages) {
  Image grey{2, 2, 1, std::vector<std::uint8_t>(4)};
  EXPECT_THROW(draw_bitmap_text(grey, 0, 0, "a"), Error);
}

}  // namespace
}  // namespace iddpm
