#pragma once

#include <string>

#include "iddpm/report/line_plot.h"

namespace iddpm {

/// How an SVG is to be used.
enum class SvgUse {
  standalone,   ///< a file of its own: light colours, white background
  inside_html,  ///< part of a page: colours from the page's CSS variables (`css_variable`), no background
};

/// A drawing as SVG text. All texts are escaped; nothing outside it is referred to.
std::string render_svg(const Drawing& drawing, SvgUse use = SvgUse::standalone);

/// A plot as SVG text.
std::string render_svg(const LinePlot& plot, SvgUse use = SvgUse::standalone);

}  // namespace iddpm
