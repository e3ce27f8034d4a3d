#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/report/color.h"

namespace iddpm {

/// Text in the sans-serif font of the system and, for characters it lacks, in whatever font has them (Pango). One that
/// no font has becomes a box with its code point.
struct TextStyle {
  double size = 12;  ///< of an em, in pixels
  bool bold = false;
};

/// The height of a line, whatever stands in it, in pixels. Capitals are about 0.7 of the text's size high.
double line_height(const TextStyle& style);

/// The width of one line of UTF-8 text in pixels. Bytes that are no UTF-8 count as U+FFFD, as everywhere here.
double text_width(std::string_view text, const TextStyle& style);

/// The words of a text in lines no wider than `width` pixels; a word that is wider is cut and ends in "…".
std::vector<std::string> wrap_text(const std::vector<std::string>& words, double width, const TextStyle& style);

/// Draws one line into an RGB image, its top left corner at (x, y). What lies outside the image is cut off.
void draw_text(Image& image, double x, double y, std::string_view text, const TextStyle& style, Rgb color);

}  // namespace iddpm
