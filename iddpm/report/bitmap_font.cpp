#include "iddpm/report/bitmap_font.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/report/unicode_text.h"

namespace iddpm {
namespace {

constexpr int kCellWidth = 5;
constexpr int kGlyphsPerBand = 16;
constexpr int kAsciiGlyphs = 96;  // U+0020 to U+007E and, last, the box that stands for anything else
constexpr int kSpaceWidth = 3;

/// Code points of the last band.
constexpr char32_t kExtras[] = {0x3B1, 0x1FB1, 0x3B2, 0x3B5, 0x3B8,  0x3BB,  0x3BC,  0x3C3,
                                0x3A3, 0xB1,   0xD7,  0xB7,  0x2013, 0x2212, 0x2026, 0x303};
constexpr char32_t kCombiningTilde = 0x303;

// The glyphs as they look, 16 side by side in a band of 9 rows.
// clang-format off
constexpr std::string_view kArt[] = {
    // space ! " # $ % & ' ( ) * + , - . /
    "..... ..#.. .#.#. .#.#. ..#.. ##..# .##.. ..#.. ...#. .#... ..... ..... ..... ..... ..... ....#",
    "..... ..#.. .#.#. .#.#. .#### ##..# #..#. ..#.. ..#.. ..#.. ..#.. ..#.. ..... ..... ..... ....#",
    "..... ..#.. .#.#. ##### #.#.. ...#. #.#.. ..#.. .#... ...#. #.#.# ..#.. ..... ..... ..... ...#.",
    "..... ..#.. ..... .#.#. .###. ..#.. .#... ..... .#... ...#. .###. ##### ..... .###. ..... ..#..",
    "..... ..#.. ..... ##### ..#.# .#... #.#.# ..... .#... ...#. #.#.# ..#.. ..... ..... ..... .#...",
    "..... ..... ..... .#.#. ####. #..## #..#. ..... ..#.. ..#.. ..#.. ..#.. ..... ..... ..... #....",
    "..... ..#.. ..... .#.#. ..#.. #..## .##.# ..... ...#. .#... ..... ..... ..#.. ..... ..#.. #....",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..#.. ..... ..... .....",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .#... ..... ..... .....",
    // 0 1 2 3 4 5 6 7 8 9 : ; < = > ?
    ".###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###. ..... ..... ..... ..... ..... .###.",
    "#...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...# ..... ..... ...#. ..... .#... #...#",
    "#...# #.#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# ..#.. ..#.. ..#.. ##### ..#.. ....#",
    "#...# ..#.. ...#. ..##. #..#. ....# ####. ...#. .###. .#### ..... ..... .#... ..... ...#. ...#.",
    "#...# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....# ..... ..... ..#.. ##### ..#.. ..#..",
    "#...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# ...#. ..... ..... ...#. ..... .#... .....",
    ".###. ##### ##### .###. ...#. .###. .###. ..#.. .###. .##.. ..#.. ..#.. ..... ..... ..... ..#..",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..#.. ..... ..... ..... .....",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .#... ..... ..... ..... .....",
    // @ A B C D E F G H I J K L M N O
    ".###. ..#.. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...# #...# .###.",
    "#...# .#.#. #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.## ##..# #...#",
    "#.### #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.# ##..# #...#",
    "#.#.# #...# ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.# #.#.# #...#",
    "#.### ##### #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...# #..## #...#",
    "#.... #...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...# #..## #...#",
    ".###. #...# ####. .###. ####. ##### #.... .###. #...# .###. .##.. #...# ##### #...# #...# .###.",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    // P Q R S T U V W X Y Z [ \ ] ^ _
    "####. .###. ####. .###. ##### #...# #...# #...# #...# #...# ##### .###. #.... .###. ..#.. .....",
    "#...# #...# #...# #...# ..#.. #...# #...# #...# #...# #...# ....# .#... #.... ...#. .#.#. .....",
    "#...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. .#... .#... ...#. #...# .....",
    "####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. .#... ..#.. ...#. ..... .....",
    "#.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... .#... ...#. ...#. ..... .....",
    "#.... #..#. #..#. #...# ..#.. #...# .#.#. #.#.# #...# ..#.. #.... .#... ....# ...#. ..... .....",
    "#.... .##.# #...# .###. ..#.. .###. ..#.. .#.#. #...# ..#.. ##### .###. ....# .###. ..... .....",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #####",
    "..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    // ` a b c d e f g h i j k l m n o
    ".#... ..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ..#.. #.... ..#.. ..... ..... .....",
    "..#.. ..... #.... ..... ....# ..... .#... ..... #.... ..... ..... #.... ..#.. ..... ..... .....",
    "..... .###. ####. .#### .#### .###. ####. .#### ####. ..#.. ..#.. #..#. ..#.. ####. ####. .###.",
    "..... ....# #...# #.... #...# #...# .#... #...# #...# ..#.. ..#.. #.#.. ..#.. #.#.# #...# #...#",
    "..... .#### #...# #.... #...# ##### .#... #...# #...# ..#.. ..#.. ##... ..#.. #.#.# #...# #...#",
    "..... #...# #...# #.... #...# #.... .#... #...# #...# ..#.. ..#.. #.#.. ..#.. #.#.# #...# #...#",
    "..... .#### ####. .#### .#### .#### .#... .#### #...# ..#.. ..#.. #..#. ...#. #.#.# #...# .###.",
    "..... ..... ..... ..... ..... ..... ..... ....# ..... ..... ..#.. ..... ..... ..... ..... .....",
    "..... ..... ..... ..... ..... ..... ..... .###. ..... ..... ##... ..... ..... ..... ..... .....",
    // p q r s t u v w x y z { | } ~ ?
    "..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ...#. ..#.. .#... ..... #####",
    "..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ..#.. ..#.. ..#.. ..... #...#",
    "####. .#### #.##. .#### ####. #...# #...# #...# #...# #...# ##### ..#.. ..#.. ..#.. .#... #...#",
    "#...# #...# ##... #.... .#... #...# #...# #.#.# .#.#. #...# ...#. .#... ..#.. ...#. #.#.# #...#",
    "#...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#.. ..#.. ..#.. ..#.. ...#. #...#",
    "#...# #...# #.... ....# .#... #...# .#.#. #.#.# .#.#. #...# .#... ..#.. ..#.. ..#.. ..... #...#",
    "####. .#### #.... ####. ..##. .#### ..#.. .#.#. #...# .#### ##### ...#. ..#.. .#... ..... #####",
    "#.... ....# ..... ..... ..... ..... ..... ..... ..... ....# ..... ..... ..#.. ..... ..... .....",
    "#.... ....# ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... ..... ..... ..... .....",
    // U+03B1 U+1FB1 U+03B2 U+03B5 U+03B8 U+03BB U+03BC U+03C3 U+03A3 U+00B1 U+00D7 U+00B7 U+2013 U+2212 U+2026 U+0303
    "..... .#### .##.. ..... .##.. ##... ..... ..... ##### ..#.. ..... ..... ..... ..... ..... .#..#",
    "..... ..... #..#. ..... #..#. ..#.. ..... ..... #.... ..#.. ..... ..... ..... ..... ..... #.##.",
    ".##.# .##.# #..#. .###. #..#. ..#.. #..#. .#### .#... ##### #...# ..... ..... ..... ..... .....",
    "#..#. #..#. ###.. #.... ####. .##.. #..#. #..#. ..#.. ..#.. .#.#. ..#.. ##### ##### ..... .....",
    "#..#. #..#. #..#. .##.. #..#. #..#. #..#. #..#. .#... ..#.. ..#.. ..... ..... ..... ..... .....",
    "#..#. #..#. #..#. #.... #..#. #..#. #..#. #..#. #.... ..... .#.#. ..... ..... ..... ..... .....",
    ".##.# .##.# ###.. .###. .##.. #..#. ###.# .##.. ##### ##### #...# ..... ..... ..... #.#.# .....",
    "..... ..... #.... ..... ..... ..... #.... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    "..... ..... #.... ..... ..... ..... #.... ..... ..... ..... ..... ..... ..... ..... ..... .....",
};
// clang-format on

constexpr int kGlyphs = kAsciiGlyphs + static_cast<int>(std::size(kExtras));
static_assert(std::size(kArt) * kGlyphsPerBand == static_cast<std::size_t>(kGlyphs) * Glyph::kRows);

bool keeps_full_width(int index) { return index >= '0' - ' ' && index <= '9' - ' '; }

/// Digits all have the same width, so that columns of numbers align; other glyphs lose the empty columns at their
/// sides.
Glyph glyph_from_art(int index) {
  const auto cell = [&](int row, int column) {
    const int line = index / kGlyphsPerBand * Glyph::kRows + row;
    return kArt[line][index % kGlyphsPerBand * (kCellWidth + 1) + column] == '#';
  };
  int first = kCellWidth, last = -1;
  for (int row = 0; row < Glyph::kRows; ++row) {
    for (int column = 0; column < kCellWidth; ++column) {
      if (!cell(row, column)) continue;
      first = std::min(first, column);
      last = std::max(last, column);
    }
  }
  if (keeps_full_width(index)) first = 0, last = kCellWidth - 1;
  Glyph result;
  result.width = last < 0 ? kSpaceWidth : last - first + 1;
  for (int row = 0; row < Glyph::kRows; ++row) {
    for (int column = first; column <= last; ++column) {
      result.rows[row] = static_cast<std::uint8_t>(result.rows[row] << 1 | (cell(row, column) ? 1 : 0));
    }
  }
  return result;
}

std::vector<Glyph> make_glyphs() {
  std::vector<Glyph> glyphs(kGlyphs);
  for (int i = 0; i < kGlyphs; ++i) glyphs[i] = glyph_from_art(i);
  for (std::size_t i = 0; i < std::size(kExtras); ++i) {
    glyphs[kAsciiGlyphs + i].combining = kExtras[i] == kCombiningTilde;
  }
  return glyphs;
}

int glyph_index(char32_t code) {
  if (code >= U' ' && code < 0x7F) return static_cast<int>(code - U' ');
  const auto extra = std::find(std::begin(kExtras), std::end(kExtras), code);
  if (extra == std::end(kExtras)) return kAsciiGlyphs - 1;
  return kAsciiGlyphs + static_cast<int>(extra - std::begin(kExtras));
}

}  // namespace

const Glyph& glyph(char32_t code) {
  static const std::vector<Glyph> glyphs = make_glyphs();
  return glyphs[glyph_index(code)];
}

std::vector<PlacedGlyph> place_glyphs(std::string_view text) {
  constexpr int combining_rise = 3;
  std::vector<PlacedGlyph> placed;
  int column = 0;
  const Glyph* base = nullptr;
  for (const char32_t code : decode_utf8(text)) {
    const Glyph& current = glyph(code);
    if (current.combining && base != nullptr) {
      const int center = column - 1 - base->width + (base->width - current.width) / 2;
      placed.push_back({&current, std::max(center, 0), -combining_rise});
      continue;
    }
    placed.push_back({&current, column, 0});
    column += current.width + 1;
    base = &current;
  }
  return placed;
}

int text_columns(std::string_view text) {
  int columns = 0;
  for (const PlacedGlyph& placed : place_glyphs(text)) {
    const bool above_another = placed.row < 0;
    if (!above_another) columns = std::max(columns, placed.column + placed.glyph->width);
  }
  return columns;
}

void draw_bitmap_text(Image& image, std::int64_t x, std::int64_t y, std::string_view text, int scale, Rgb color) {
  require(image.channels == 3, "draw_bitmap_text: expected an RGB image, got {} channels", image.channels);
  require(scale >= 1, "draw_bitmap_text: the scale must be at least 1, got {}", scale);
  const auto fill_cell = [&](std::int64_t left, std::int64_t top) {
    for (auto row = std::max<std::int64_t>(top, 0); row < std::min(top + scale, image.height); ++row) {
      for (auto column = std::max<std::int64_t>(left, 0); column < std::min(left + scale, image.width); ++column) {
        std::uint8_t* pixel = &image.pixels[(row * image.width + column) * 3];
        pixel[0] = color.red, pixel[1] = color.green, pixel[2] = color.blue;
      }
    }
  };
  for (const PlacedGlyph& placed : place_glyphs(text)) {
    for (int row = 0; row < Glyph::kRows; ++row) {
      for (int column = 0; column < placed.glyph->width; ++column) {
        if (!placed.glyph->at(row, column)) continue;
        fill_cell(x + (placed.column + column) * scale, y + (placed.row + row) * scale);
      }
    }
  }
}

}  // namespace iddpm
