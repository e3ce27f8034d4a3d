#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// An 8-bit colour.
struct Rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

/// One character of the built-in font: capitals are 7 rows high, two rows lie below the baseline.
struct Glyph {
  static constexpr int kRows = 9;
  static constexpr int kCapHeight = 7;

  std::array<std::uint8_t, kRows> rows{};  ///< one bit a column, bit `width - 1` the leftmost
  int width = 0;                           ///< columns; the next character begins at width + 1
  bool combining = false;                  ///< drawn above the character before it, takes no room

  bool at(int row, int column) const { return rows[row] >> (width - 1 - column) & 1; }
};

/// The glyph of a code point: printable ASCII, some Greek letters and signs that diffusion needs, otherwise a hollow
/// box.
const Glyph& glyph(char32_t code);

/// Where one glyph of a text stands, in font columns from the text's left edge and rows from its top.
struct PlacedGlyph {
  const Glyph* glyph;
  int column;
  int row;
};

/// The glyphs of a UTF-8 text, placed.
std::vector<PlacedGlyph> place_glyphs(std::string_view text);

/// The width of a UTF-8 text in font columns, without the gap after the last character.
int text_columns(std::string_view text);

/// Draws a UTF-8 text into an RGB image, its top left corner at (x, y), one font cell as scale * scale pixels. What
/// lies outside the image is cut off.
void draw_bitmap_text(Image& image, std::int64_t x, std::int64_t y, std::string_view text, int scale = 1,
                      Rgb color = {});

}  // namespace iddpm
