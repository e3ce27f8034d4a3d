#include "iddpm/report/drawing.h"

#include "iddpm/report/bitmap_font.h"

namespace iddpm {

double text_width(const Text& text) {
  const double cell = font_cell(text.size);
  const double width = cell * text_columns(text.text);
  if (text.superscript.empty()) return width;
  return width + cell + cell * kSuperscriptSize * text_columns(text.superscript);
}

}  // namespace iddpm
