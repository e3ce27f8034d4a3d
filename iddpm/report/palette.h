#pragma once

#include <string>

#include "iddpm/report/color.h"
#include "iddpm/report/drawing.h"

namespace iddpm {

/// The number of colours before they repeat.
inline constexpr int kPaletteSize = 8;

/// The colour of a role on a white page. Series use the palette of Okabe and Ito (2008), which people with any kind of
/// colour vision can tell apart.
Rgb light_color(Paint paint);

/// The same on a dark page: dark blues and black are lightened.
Rgb dark_color(Paint paint);

/// "#0072b2".
std::string hex_color(Rgb color);

/// The name of the CSS variable that carries a colour where figures follow the page's light or dark theme:
/// "--plot-ink",
/// "--plot-series-0".
std::string css_variable(Paint paint);

}  // namespace iddpm
