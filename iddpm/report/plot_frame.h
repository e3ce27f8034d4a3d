#pragma once

#include "iddpm/report/drawing.h"
#include "iddpm/report/line_plot.h"
#include "iddpm/report/plot_axis.h"

namespace iddpm {

/// Where a plot's data goes: the area between the axes, and the axes in place.
struct PlotFrame {
  Box area;
  PlacedAxis x;
  PlacedAxis y;
  bool empty;  ///< no series has a drawable point
};

/// Draws what surrounds the data (background, title, legend, grid, ticks, labels) and says where the data goes.
PlotFrame draw_plot_frame(const LinePlot& plot, Drawing& drawing);

/// The palette index of a plot's i-th series.
int series_color(const LinePlot& plot, std::size_t i);

/// The marker of a series: its shape differs between neighbouring palette indices.
Marker series_marker(const PlotSeries& series, Paint paint, Point center);

}  // namespace iddpm
