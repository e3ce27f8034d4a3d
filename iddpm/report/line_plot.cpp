#include "iddpm/report/line_plot.h"

#include <algorithm>
#include <cmath>
#include <utility>

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
    const double y = frame_.y.position(line.y);
    if (!is_drawable(line.y, plot_.y_axis.scale) || y < frame_.area.top || y > frame_.area.bottom) return;
    drawing_.shapes.emplace_back(
        Polyline{{{frame_.area.left, y}, {frame_.area.right, y}}, {Role::muted}, 1.25, /*dashed=*/true});
    constexpr double size = 11.5;
    const bool room_above = y - size - 4 > frame_.area.top;
    drawing_.shapes.emplace_back(Text{.at = {frame_.area.right - 4, room_above ? y - 5 : y + size + 3},
                                      .text = line.label,
                                      .size = size,
                                      .anchor = Anchor::end,
                                      .paint = {Role::muted}});
  }

 private:
  Paint paint_of(std::size_t index) const {
    return {Role::series, series_color(plot_, index), std::clamp(plot_.series[index].opacity, 0.0, 1.0)};
  }

  bool drawable(const PlotSeries& series, std::size_t i) const {
    return is_drawable(series.x[i], plot_.x_axis.scale) && is_drawable(series.y[i], plot_.y_axis.scale);
  }

  Point point(double x, double y) const { return {frame_.x.position(x), frame_.y.position(y)}; }

  void draw_line(const PlotSeries& series, Paint paint) {
    std::vector<Point> run;
    const auto finish_run = [&] {
      for (auto& part : clip_polyline(thin_polyline(run), frame_.area)) {
        drawing_.shapes.emplace_back(Polyline{std::move(part), paint, series.line_width, series.dashed});
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
  }

  void draw_markers(const PlotSeries& series, Paint paint) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!drawable(series, i)) continue;
      const auto visible = clip_polyline({point(series.x[i], series.y[i])}, frame_.area);
      if (!visible.empty()) points.push_back(visible[0][0]);
    }
    for (const Point p : thin_points(points)) drawing_.shapes.emplace_back(series_marker(series, paint, p));
  }

  /// Both ends of the interval at a point, upper first; a lower end that a logarithmic axis can't show lies at its
  /// foot.
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
      if (x < frame_.area.left || x > frame_.area.right) continue;
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
      if (!has_interval(series, i) || x < frame_.area.left || x > frame_.area.right) continue;
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

std::vector<double> smooth(const std::vector<double>& y, double radius) {
  require(radius > 0, "smooth: the radius must be positive, got {}", radius);
  const double decay = std::exp(-1 / radius);
  std::vector<double> sum(y.size(), 0), weight(y.size(), 0);
  // Two running sums, from the left with the point itself and from the right without it.
  double running_sum = 0, running_weight = 0;
  const auto finite = [&](std::size_t i) { return std::isfinite(y[i]); };
  for (std::size_t i = 0; i < y.size(); ++i) {
    running_sum = running_sum * decay + (finite(i) ? y[i] : 0);
    running_weight = running_weight * decay + (finite(i) ? 1 : 0);
    sum[i] = running_sum, weight[i] = running_weight;
  }
  running_sum = running_weight = 0;
  for (std::size_t i = y.size(); i-- > 0;) {
    sum[i] += running_sum * decay, weight[i] += running_weight * decay;
    running_sum = running_sum * decay + (finite(i) ? y[i] : 0);
    running_weight = running_weight * decay + (finite(i) ? 1 : 0);
  }
  for (std::size_t i = 0; i < y.size(); ++i) sum[i] = finite(i) ? sum[i] / weight[i] : y[i];
  return sum;
}

}  // namespace iddpm
