#include "iddpm/report/drawing.h"

#include "iddpm/report/text.h"

namespace iddpm {

double text_width(const Text& text) {
  const double width = text_width(text.text, {.size = text.size, .bold = text.bold});
  if (text.superscript.empty()) return width;
  return width + superscript_gap(text.size) +
         text_width(text.superscript, {.size = kSuperscriptSize * text.size, .bold = text.bold});
}

}  // namespace iddpm
