#pragma once

#include <optional>
#include <string>
#include <vector>

#include "iddpm/report/drawing.h"

namespace iddpm {

enum class AxisScale { linear, logarithmic };

/// One axis. Limits that aren't given follow the data.
struct PlotAxis {
  std::string label = {};
  AxisScale scale = AxisScale::linear;
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
};

enum class SeriesStyle { line, markers, line_and_markers };
enum class UncertaintyStyle { band, error_bars };

/// One curve or cloud of points. A point whose x or y isn't finite, or isn't positive on a logarithmic axis, is a gap.
struct PlotSeries {
  std::string name = {};  ///< in the legend; empty: not listed there
  std::vector<double> x = {};
  std::vector<double> y = {};
  std::vector<double> lower = {};  ///< with `upper`: an interval at each point (both empty: none)
  std::vector<double> upper = {};
  SeriesStyle style = SeriesStyle::line;
  UncertaintyStyle uncertainty = UncertaintyStyle::band;
  std::optional<int> color = {};  ///< index into the palette; not given: the position among the plot's series
  double line_width = 1.75;
  double opacity = 1;
  bool dashed = false;
};

/// A horizontal dashed line across the plot, with a label at its right end.
struct ReferenceLine {
  double y = 0;
  std::string label = {};
};

/// A figure of curves over common axes: what it shows, not how it is drawn (`render_svg`, `render_png`).
struct LinePlot {
  std::string title = {};
  PlotAxis x_axis = {};
  PlotAxis y_axis = {};
  std::vector<PlotSeries> series = {};
  std::vector<ReferenceLine> reference_lines = {};
  double width = 720;   ///< CSS pixels
  double height = 420;  ///< CSS pixels
};

/// Arranges a plot: axes, ticks, legend, curves clipped to the axes and thinned to what can be seen. Throws Error when
/// a series' vectors differ in length, when limits aren't ascending (or not positive on a logarithmic axis), or the
/// size isn't between 120 and 10000.
Drawing lay_out(const LinePlot& plot);

}  // namespace iddpm
