#include "iddpm/report/plot_frame.h"

#include <algorithm>
#include <cmath>

namespace iddpm {
namespace {

constexpr double kOuterMargin = 10;
constexpr double kRightMargin = 22;
constexpr double kTitleSize = 15;
constexpr double kTitleHeight = 24;
constexpr double kTextSize = 12;
constexpr double kTickSize = 11.5;
constexpr double kTickLength = 4;
constexpr double kLegendRow = 19;
constexpr double kLegendSwatch = 20;
constexpr double kLegendGap = 18;
constexpr double kLabelRow = 20;

/// Half the height of capitals: text centred on a line has its baseline this much below it.
double half_capital(double size) { return 0.35 * size; }

struct LegendEntry {
  std::size_t series;
  double left;
  int row;
};

/// The legend's entries in rows above the plot, broken where the next would pass the right margin.
std::vector<LegendEntry> place_legend(const LinePlot& plot) {
  std::vector<LegendEntry> entries;
  double left = kOuterMargin;
  int row = 0;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    if (plot.series[i].name.empty()) continue;
    const double width = kLegendSwatch + 6 + text_width({.text = plot.series[i].name, .size = kTextSize});
    if (left > kOuterMargin && left + width > plot.width - kOuterMargin) left = kOuterMargin, ++row;
    entries.push_back({i, left, row});
    left += width + kLegendGap;
  }
  return entries;
}

void draw_legend(const LinePlot& plot, const std::vector<LegendEntry>& entries, double top, Drawing& drawing) {
  for (const LegendEntry& entry : entries) {
    const PlotSeries& series = plot.series[entry.series];
    const Paint paint{Role::series, series_color(plot, entry.series)};
    const double y = top + entry.row * kLegendRow + kLegendRow / 2;
    if (series.style != SeriesStyle::markers) {
      const double width = std::max(series.line_width, 2.0);
      drawing.shapes.emplace_back(
          Polyline{{{entry.left, y}, {entry.left + kLegendSwatch, y}}, paint, width, series.dashed});
    }
    if (series.style != SeriesStyle::line) {
      drawing.shapes.emplace_back(series_marker(series, paint, {entry.left + kLegendSwatch / 2, y}));
    }
    drawing.shapes.emplace_back(Text{
        .at = {entry.left + kLegendSwatch + 6, y + half_capital(kTextSize)}, .text = series.name, .size = kTextSize});
  }
}

PlacedAxis place_axis(const LinePlot& plot, bool vertical, bool& empty) {
  DataRange range(vertical ? plot.y_axis.scale : plot.x_axis.scale);
  empty = true;
  for (const PlotSeries& series : plot.series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!is_drawable(series.x[i], plot.x_axis.scale) || !is_drawable(series.y[i], plot.y_axis.scale)) continue;
      empty = false;
      range.include(vertical ? series.y[i] : series.x[i]);
      if (!vertical || series.lower.empty()) continue;
      range.include(series.lower[i]);
      range.include(series.upper[i]);
    }
  }
  if (vertical) {
    for (const ReferenceLine& line : plot.reference_lines) range.include(line.y);
  }
  return PlacedAxis(vertical ? plot.y_axis : plot.x_axis, range, vertical ? 0.05 : 0.015);
}

void draw_line(Drawing& drawing, Point a, Point b, Role role) {
  // On half pixels, where a line of one pixel is sharp.
  const auto sharp = [](Point p) { return Point{std::floor(p.x) + 0.5, std::floor(p.y) + 0.5}; };
  drawing.shapes.emplace_back(Polyline{{sharp(a), sharp(b)}, {role}, 1});
}

void draw_x_axis(const LinePlot& plot, const PlotFrame& frame, const Ticks& ticks, Drawing& drawing) {
  const Box& area = frame.area;
  for (const Tick& tick : ticks.major) {
    const double x = frame.x.position(tick.value);
    draw_line(drawing, {x, area.top}, {x, area.bottom}, Role::grid);
    draw_line(drawing, {x, area.bottom}, {x, area.bottom + kTickLength}, Role::muted);
    drawing.shapes.emplace_back(Text{.at = {x, area.bottom + kTickLength + 4 + 2 * half_capital(kTickSize)},
                                     .text = tick.label,
                                     .superscript = tick.superscript,
                                     .size = kTickSize,
                                     .anchor = Anchor::middle,
                                     .paint = {Role::muted}});
  }
  for (const double value : ticks.minor) {
    const double x = frame.x.position(value);
    draw_line(drawing, {x, area.bottom}, {x, area.bottom + kTickLength / 2}, Role::muted);
  }
  if (plot.x_axis.label.empty()) return;
  drawing.shapes.emplace_back(Text{.at = {(area.left + area.right) / 2, plot.height - kOuterMargin},
                                   .text = plot.x_axis.label,
                                   .size = kTextSize,
                                   .anchor = Anchor::middle});
}

void draw_y_axis(const LinePlot& plot, const PlotFrame& frame, const Ticks& ticks, Drawing& drawing) {
  const Box& area = frame.area;
  for (const Tick& tick : ticks.major) {
    const double y = frame.y.position(tick.value);
    draw_line(drawing, {area.left, y}, {area.right, y}, Role::grid);
    draw_line(drawing, {area.left - kTickLength, y}, {area.left, y}, Role::muted);
    drawing.shapes.emplace_back(Text{.at = {area.left - kTickLength - 4, y + half_capital(kTickSize)},
                                     .text = tick.label,
                                     .superscript = tick.superscript,
                                     .size = kTickSize,
                                     .anchor = Anchor::end,
                                     .paint = {Role::muted}});
  }
  for (const double value : ticks.minor) {
    const double y = frame.y.position(value);
    draw_line(drawing, {area.left - kTickLength / 2, y}, {area.left, y}, Role::muted);
  }
  if (plot.y_axis.label.empty()) return;
  drawing.shapes.emplace_back(Text{.at = {kOuterMargin + 2 * half_capital(kTextSize), (area.top + area.bottom) / 2},
                                   .text = plot.y_axis.label,
                                   .size = kTextSize,
                                   .anchor = Anchor::middle,
                                   .upwards = true});
}

}  // namespace

int series_color(const LinePlot& plot, std::size_t i) { return plot.series[i].color.value_or(static_cast<int>(i)); }

Marker series_marker(const PlotSeries& series, Paint paint, Point center) {
  constexpr MarkerShape shapes[] = {MarkerShape::circle, MarkerShape::square, MarkerShape::diamond};
  const double radius = series.x.size() > 2000 ? 1.5 : 3;
  return {center, shapes[(paint.series % 3 + 3) % 3], radius, paint};
}

PlotFrame draw_plot_frame(const LinePlot& plot, Drawing& drawing) {
  drawing.shapes.emplace_back(FilledBox{{0, 0, plot.width, plot.height}, {Role::background}});
  double top = kOuterMargin;
  if (!plot.title.empty()) {
    drawing.shapes.emplace_back(
        Text{.at = {kOuterMargin, top + kTitleSize - 1}, .text = plot.title, .size = kTitleSize, .bold = true});
    top += kTitleHeight;
  }
  const auto legend = place_legend(plot);
  draw_legend(plot, legend, top, drawing);
  if (!legend.empty()) top += (legend.back().row + 1) * kLegendRow;
  top += 8;
  const double bottom = plot.height - kOuterMargin - kLabelRow - (plot.x_axis.label.empty() ? 0 : kLabelRow);

  bool empty = true;
  PlotFrame frame{{}, place_axis(plot, false, empty), place_axis(plot, true, empty), false};
  frame.empty = empty;
  const auto target = [](double length, double distance) { return std::max(2, static_cast<int>(length / distance)); };
  const Ticks y_ticks = frame.y.ticks(target(bottom - top, 42));
  double label_width = 0;
  for (const Tick& tick : y_ticks.major) {
    label_width =
        std::max(label_width, text_width({.text = tick.label, .superscript = tick.superscript, .size = kTickSize}));
  }
  const double left = kOuterMargin + (plot.y_axis.label.empty() ? 0 : kLabelRow) + label_width + 4 + kTickLength;
  frame.area = {std::round(left), std::round(top), std::round(plot.width - kRightMargin), std::round(bottom)};
  frame.area.right = std::max(frame.area.right, frame.area.left + 1);
  frame.area.bottom = std::max(frame.area.bottom, frame.area.top + 1);
  frame.x.place(frame.area.left, frame.area.right);
  frame.y.place(frame.area.bottom, frame.area.top);
  draw_x_axis(plot, frame, frame.x.ticks(target(frame.area.width(), 90)), drawing);
  draw_y_axis(plot, frame, y_ticks, drawing);
  draw_line(drawing, {frame.area.left, frame.area.top}, {frame.area.left, frame.area.bottom}, Role::muted);
  draw_line(drawing, {frame.area.left, frame.area.bottom}, {frame.area.right, frame.area.bottom}, Role::muted);
  return frame;
}

}  // namespace iddpm
