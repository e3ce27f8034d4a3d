#pragma once

#include <cairo.h>
#include <pango/pango-layout.h>

#include <memory>
#include <string_view>

#include "iddpm/report/text.h"

namespace iddpm {

struct PangoDeleter {
  void operator()(void* object) const;
};
using PangoLayoutPointer = std::unique_ptr<PangoLayout, PangoDeleter>;

/// One line of text, ready to be measured or, with the Cairo context it is made for, shown. Sizes don't snap to pixels,
/// so that a text is as wide as its parts at any scale.
PangoLayoutPointer text_layout(std::string_view text, const TextStyle& style, cairo_t* context = nullptr);

/// From the top of a layout to its baseline.
double baseline_of(PangoLayout& layout);

}  // namespace iddpm
