#include "iddpm/report/line_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "iddpm/core/error.h"
#include "iddpm/report/plot_frame.h"
#include "iddpm/report/polyline_geometry.h"

namespace iddpm {
namespace {

constexpr double kBandOpacity = 0.18;

void check(const LinePlot& plot) {
  const auto in_range = [](double length) { return length >= 120 && length <= 10000; };
  require(in_range(plot.width) && in_range(plot.height),
          "lay_out: a plot's width and height must be between 120 and 10000, got {} x {}", plot.width, plot.height);
  for (const PlotSeries& series : plot.series) {
    require(series.x.size() == series.y.size(), "lay_out: series '{}' has {} values of x and {} of y", series.name,
            series.x.size(), series.y.size());
    const bool interval_fits = series.lower.empty() || series.lower.size() == series.x.size();
    require(interval_fits && series.lower.size() == series.upper.size(),
            "lay_out: series '{}' has {} points, {} lower and {} upper values", series.name, series.x.size(),
            series.lower.size(), series.upper.size());
  }
}

/// The curves of one plot, in its frame.
class CurvePainter {
 public:
  CurvePainter(const LinePlot& plot, const PlotFrame& frame, Drawing& drawing)
      : plot_(plot), frame_(frame), drawing_(drawing) {}

  void draw_uncertainty(std::size_t index) {
    const PlotSeries& series = plot_.series[index];
    if (series.lower.empty()) return;
    series.uncertainty == UncertaintyStyle::band ? draw_band(series, paint_of(index))
                                                 : draw_bars(series, paint_of(index));
  }

  void draw_series(std::size_t index) {
    const PlotSeries& series = plot_.series[index];
    const Paint paint = paint_of(index);
    if (series.style != SeriesStyle::markers) draw_line(series, paint);
    if (series.style != SeriesStyle::line) draw_markers(series, paint);
  }

  void draw_reference(const ReferenceLine& line) {
    const auto y = reference_position(line);
    if (!y) return;
    drawing_.shapes.emplace_back(
        Polyline{{{frame_.area.left, *y}, {frame_.area.right, *y}}, {Role::muted}, 1.25, /*dashed=*/true});
  }

  /// Labels a reference line above or below it, at its right or left end: where the fewest curves pass.
  void draw_reference_label(const ReferenceLine& line) {
    const auto y = reference_position(line);
    if (!y || line.label.empty()) return;
    Text text{.text = line.label, .size = 11.5, .paint = {Role::muted}};
    const Box& area = frame_.area;
    std::optional<int> fewest;
    Text best = text;
    for (const bool at_right : {true, false}) {
      for (const double baseline : {*y - 5, *y + text.size + 3}) {
        text.anchor = at_right ? Anchor::end : Anchor::start;
        text.at = {at_right ? area.right - 4 : area.left + 6, baseline};
        const double left = at_right ? text.at.x - text_width(text) : text.at.x;
        const Box box{left, baseline - text.size, left + text_width(text), baseline + 2};
        const bool outside = box.top < area.top || box.bottom > area.bottom;
        const int crossings = outside ? std::numeric_limits<int>::max() : curves_through(box);
        if (!fewest || crossings < *fewest) fewest = crossings, best = text;
      }
    }
    drawing_.shapes.emplace_back(std::move(best));
  }

 private:
  Paint paint_of(std::size_t index) const {
    return {Role::series, series_color(plot_, index), std::clamp(plot_.series[index].opacity, 0.0, 1.0)};
  }

  bool drawable(const PlotSeries& series, std::size_t i) const {
    return is_drawable(series.x[i], plot_.x_axis.scale) && is_drawable(series.y[i], plot_.y_axis.scale);
  }

  std::optional<double> reference_position(const ReferenceLine& line) const {
    if (!is_drawable(line.y, plot_.y_axis.scale)) return std::nullopt;
    const double y = frame_.y.position(line.y);
    if (y < frame_.area.top || y > frame_.area.bottom) return std::nullopt;
    return y;
  }

  /// How many of the curves and markers drawn so far pass through a box.
  int curves_through(const Box& box) const {
    int count = 0;
    for (const Shape& shape : drawing_.shapes) {
      if (const auto* line = std::get_if<Polyline>(&shape); line != nullptr && line->paint.role == Role::series) {
        count += clip_polyline(line->points, box).empty() ? 0 : 1;
      } else if (const auto* marker = std::get_if<Marker>(&shape)) {
        count += clip_polyline({marker->center}, box).empty() ? 0 : 1;
      }
    }
    return count;
  }

  /// The frame's area and a hair more, so that rounding doesn't cut what lies on its edge.
  Box visible_area() const {
    constexpr double hair = 0.01;
    const Box& area = frame_.area;
    return {area.left - hair, area.top - hair, area.right + hair, area.bottom + hair};
  }

  Point point(double x, double y) const { return {frame_.x.position(x), frame_.y.position(y)}; }

  void draw_line(const PlotSeries& series, Paint paint) {
    std::vector<Point> run, dots;
    const auto finish_run = [&] {
      for (auto& part : clip_polyline(thin_polyline(run), visible_area())) {
        if (run.size() == 1) {
          dots.push_back(part[0]);
        } else {
          drawing_.shapes.emplace_back(Polyline{std::move(part), paint, series.line_width, series.dashed});
        }
      }
      run.clear();
    };
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (drawable(series, i)) {
        run.push_back(point(series.x[i], series.y[i]));
      } else {
        finish_run();
      }
    }
    finish_run();
    // Points alone between gaps are dots, large enough to be seen.
    for (const Point p : thin_points(dots)) {
      drawing_.shapes.emplace_back(Marker{p, MarkerShape::circle, std::max(1.5, series.line_width), paint});
    }
  }

  void draw_markers(const PlotSeries& series, Paint paint) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!drawable(series, i)) continue;
      const auto visible = clip_polyline({point(series.x[i], series.y[i])}, visible_area());
      if (!visible.empty()) points.push_back(visible[0][0]);
    }
    for (const Point p : thin_points(points)) drawing_.shapes.emplace_back(series_marker(series, paint, p));
  }

  /// Both ends of the interval at a point, upper first; an end that a logarithmic axis can't show lies at its foot.
  std::pair<double, double> interval(const PlotSeries& series, std::size_t i) const {
    const auto within = [&](double y) { return std::clamp(y, frame_.area.top, frame_.area.bottom); };
    const auto position = [&](double value) {
      return is_drawable(value, plot_.y_axis.scale) ? within(frame_.y.position(value)) : frame_.area.bottom;
    };
    const auto [top, bottom] = std::minmax({position(series.upper[i]), position(series.lower[i])});
    return {top, bottom};
  }

  bool has_interval(const PlotSeries& series, std::size_t i) const {
    return drawable(series, i) && std::isfinite(series.lower[i]) && std::isfinite(series.upper[i]);
  }

  void draw_band(const PlotSeries& series, Paint paint) {
    paint.opacity *= kBandOpacity;
    Band band{{}, {}, {}, paint};
    const auto finish_band = [&] {
      if (band.x.size() > 1) drawing_.shapes.emplace_back(band);
      band = {{}, {}, {}, paint};
    };
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!has_interval(series, i)) {
        finish_band();
        continue;
      }
      const double x = frame_.x.position(series.x[i]);
      if (x < visible_area().left || x > visible_area().right) continue;
      const auto [top, bottom] = interval(series, i);
      if (!band.x.empty() && x < band.x.back()) finish_band();
      if (!band.x.empty() && x - band.x.back() < 0.5) {  // as much as can be seen of a long series
        band.top.back() = std::min(band.top.back(), top);
        band.bottom.back() = std::max(band.bottom.back(), bottom);
      } else {
        band.x.push_back(x), band.top.push_back(top), band.bottom.push_back(bottom);
      }
    }
    finish_band();
  }

  void draw_bars(const PlotSeries& series, Paint paint) {
    constexpr double cap = 3;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const double x = frame_.x.position(series.x[i]);
      if (!has_interval(series, i) || x < visible_area().left || x > visible_area().right) continue;
      const auto [top, bottom] = interval(series, i);
      drawing_.shapes.emplace_back(Polyline{{{x - cap, top}, {x + cap, top}}, paint, 1.25});
      drawing_.shapes.emplace_back(Polyline{{{x - cap, bottom}, {x + cap, bottom}}, paint, 1.25});
      drawing_.shapes.emplace_back(Polyline{{{x, top}, {x, bottom}}, paint, 1.25});
    }
  }

  const LinePlot& plot_;
  const PlotFrame& frame_;
  Drawing& drawing_;
};

}  // namespace

Drawing lay_out(const LinePlot& plot) {
  check(plot);
  Drawing drawing{plot.width, plot.height, plot.title, {}};
  const PlotFrame frame = draw_plot_frame(plot, drawing);
  CurvePainter painter(plot, frame, drawing);
  for (std::size_t i = 0; i < plot.series.size(); ++i) painter.draw_uncertainty(i);
  for (const ReferenceLine& line : plot.reference_lines) painter.draw_reference(line);
  for (std::size_t i = 0; i < plot.series.size(); ++i) painter.draw_series(i);
  for (const ReferenceLine& line : plot.reference_lines) painter.draw_reference_label(line);
  if (frame.empty) {
    const Box& area = frame.area;
    drawing.shapes.emplace_back(Text{.at = {(area.left + area.right) / 2, (area.top + area.bottom) / 2},
                                     .text = "no data",
                                     .size = 13,
                                     .anchor = Anchor::middle,
                                     .paint = {Role::muted}});
  }
  return drawing;
}

}  // namespace iddpm
