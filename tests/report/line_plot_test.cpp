#include "iddpm/report/line_plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <variant>

#include "iddpm/core/error.h"
#include "iddpm/report/png_renderer.h"
#include "iddpm/report/polyline_geometry.h"
#include "iddpm/report/process_figures.h"
#include "iddpm/report/svg_renderer.h"
#include "tests/report/markup_check.h"

namespace iddpm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The shapes of one kind that belong to a series.
template <typename T>
std::vector<T> series_shapes(const Drawing& drawing) {
  std::vector<T> found;
  for (const Shape& shape : drawing.shapes) {
    if (const T* candidate = std::get_if<T>(&shape); candidate != nullptr && candidate->paint.role == Role::series) {
      found.push_back(*candidate);
    }
  }
  return found;
}

bool shows_text(const Drawing& drawing, const std::string& words) {
  for (const Shape& shape : drawing.shapes) {
    if (const Text* text = std::get_if<Text>(&shape); text != nullptr && text->text == words) return true;
  }
  return false;
}

/// Lays out and renders both ways; the SVG must be well-formed and hold no number that isn't one.
Drawing draw_everywhere(const LinePlot& plot) {
  const Drawing drawing = lay_out(plot);
  const std::string svg = render_svg(drawing);
  EXPECT_EQ(markup_fault(svg), "") << svg;
  for (const char* bad : {"nan", "inf\"", "inf "}) EXPECT_EQ(svg.find(bad), std::string::npos) << svg;
  const Image image = render_png(drawing, 1);
  EXPECT_EQ(image.width, static_cast<std::int64_t>(plot.width));
  EXPECT_EQ(image.pixels.size(), static_cast<std::size_t>(image.width * image.height * 3));
  return drawing;
}

TEST(LinePlot, MapsLimitsToTheCornersOfTheArea) {
  const LinePlot plot{.x_axis = {.minimum = 0, .maximum = 10},
                      .y_axis = {.minimum = -1, .maximum = 1},
                      .series = {{.x = {0, 10}, .y = {-1, 1}}}};
  const auto lines = series_shapes<Polyline>(draw_everywhere(plot));
  ASSERT_EQ(lines.size(), 1u);
  const Point start = lines[0].points.front(), end = lines[0].points.back();
  EXPECT_LT(start.x, end.x);
  EXPECT_GT(start.y, end.y) << "larger values lie higher";
  EXPECT_LT(end.x, plot.width);
  EXPECT_LT(start.y, plot.height);
}

TEST(LinePlot, ValuesThatAreNotFiniteAreGaps) {
  const LinePlot plot{.series = {{.x = {0, 1, 2, 3, 4, 5}, .y = {1, 2, kNan, 3, 4, kInfinity}}}};
  EXPECT_EQ(series_shapes<Polyline>(draw_everywhere(plot)).size(), 2u);
}

TEST(LinePlot, ALonelyPointBetweenGapsIsADot) {
  const LinePlot plot{.series = {{.x = {0, 1, 2}, .y = {kNan, 2, kNan}}}};
  EXPECT_EQ(series_shapes<Marker>(draw_everywhere(plot)).size(), 1u);
}

TEST(LinePlot, NonPositiveValuesAreGapsOnALogarithmicAxis) {
  const LinePlot plot{.y_axis = {.scale = AxisScale::logarithmic},
                      .series = {{.x = {0, 1, 2, 3, 4}, .y = {1, 10, 0, 100, -5}}}};
  const Drawing drawing = draw_everywhere(plot);
  EXPECT_EQ(series_shapes<Polyline>(drawing).size(), 1u);
  EXPECT_EQ(series_shapes<Marker>(drawing).size(), 1u);
}

TEST(LinePlot, EqualFactorsAreEqualDistancesOnALogarithmicAxis) {
  const LinePlot plot{.y_axis = {.scale = AxisScale::logarithmic}, .series = {{.x = {0, 1, 2}, .y = {1, 10, 100}}}};
  const auto points = series_shapes<Polyline>(lay_out(plot))[0].points;
  EXPECT_NEAR(points[0].y - points[1].y, points[1].y - points[2].y, 1e-9);
}

TEST(LinePlot, SaysSoWhenThereIsNothingToDraw) {
  EXPECT_TRUE(shows_text(draw_everywhere({}), "no data"));
  EXPECT_TRUE(shows_text(draw_everywhere({.series = {{.name = "empty"}}}), "no data"));
  EXPECT_TRUE(shows_text(draw_everywhere({.series = {{.x = {kNan, 1}, .y = {1, kNan}}}}), "no data"));
  const LinePlot log{.y_axis = {.scale = AxisScale::logarithmic}, .series = {{.x = {1, 2}, .y = {0, -1}}}};
  EXPECT_TRUE(shows_text(draw_everywhere(log), "no data"));
}

TEST(LinePlot, AConstantLiesInTheMiddle) {
  for (const double value : {0.0, 3.0, -1e-9, 1e200}) {
    const LinePlot plot{.series = {{.x = {0, 1, 2}, .y = {value, value, value}}}};
    const Drawing drawing = draw_everywhere(plot);
    EXPECT_FALSE(shows_text(drawing, "no data"));
    const auto lines = series_shapes<Polyline>(drawing);
    ASSERT_EQ(lines.size(), 1u) << value;
    EXPECT_NEAR(lines[0].points[0].y, plot.height / 2, 30) << value;
  }
}

TEST(LinePlot, ExtremeValuesStayDrawable) {
  const double largest = std::numeric_limits<double>::max(), smallest = std::numeric_limits<double>::denorm_min();
  for (const AxisScale scale : {AxisScale::linear, AxisScale::logarithmic}) {
    draw_everywhere({.y_axis = {.scale = scale}, .series = {{.x = {-largest, largest}, .y = {smallest, largest}}}});
    draw_everywhere({.y_axis = {.scale = scale}, .series = {{.x = {1e15, 1e15 + 1}, .y = {smallest, smallest}}}});
    draw_everywhere({.y_axis = {.scale = scale, .minimum = 5}, .series = {{.x = {0, 1}, .y = {1, 2}}}});
  }
}

TEST(LinePlot, CurvesEndAtTheLimits) {
  const LinePlot plot{.y_axis = {.minimum = 0, .maximum = 1}, .series = {{.x = {0, 1, 2, 3}, .y = {-5, 0.5, 9, 0.5}}}};
  const Drawing drawing = draw_everywhere(plot);
  const auto limits = series_shapes<Polyline>(
                          lay_out({.y_axis = {.minimum = 0, .maximum = 1}, .series = {{.x = {0, 3}, .y = {0, 1}}}}))[0]
                          .points;
  for (const Polyline& line : series_shapes<Polyline>(drawing)) {
    for (const Point p : line.points) {
      EXPECT_LE(p.y, limits.front().y + 0.02);
      EXPECT_GE(p.y, limits.back().y - 0.02);
    }
  }
}

TEST(LinePlot, LongSeriesAreThinnedButKeepTheirPeaks) {
  PlotSeries series;
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 54321 ? 50 : std::sin(i * 0.7));
  }
  const LinePlot plot{.y_axis = {.minimum = -50, .maximum = 50}, .series = {series}};
  const Drawing drawing = draw_everywhere(plot);
  const auto lines = series_shapes<Polyline>(drawing);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_LT(lines[0].points.size(), 4 * 720u);
  double top = plot.height;
  for (const Point p : lines[0].points) top = std::min(top, p.y);
  EXPECT_LT(top, 40) << "the single peak reaches the plot's top";
  EXPECT_LT(render_svg(drawing).size(), 60000u);

  series.style = SeriesStyle::markers;
  EXPECT_LT(series_shapes<Marker>(lay_out({.series = {series}})).size(), 100000u);
}

TEST(LinePlot, BandsAndErrorBarsFollowTheIntervals) {
  PlotSeries series{.x = {1, 2, 3}, .y = {1, 2, 3}, .lower = {0, 1, 2}, .upper = {2, 3, 4}};
  const auto bands = series_shapes<Band>(draw_everywhere({.series = {series}}));
  ASSERT_EQ(bands.size(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_LT(bands[0].top[i], bands[0].bottom[i]);
  series.uncertainty = UncertaintyStyle::error_bars;
  EXPECT_EQ(series_shapes<Polyline>(draw_everywhere({.series = {series}})).size(), 1u + 3 * 3u);
  series.lower = {-1, kNan, 2};
  draw_everywhere({.y_axis = {.scale = AxisScale::logarithmic}, .series = {series}});
}

TEST(LinePlot, ReferenceLinesAreLabelledWithinThePlot) {
  const LinePlot plot{.series = {{.x = {0, 1}, .y = {0, 1}}}, .reference_lines = {{0.5, "half"}, {kNan, "never"}}};
  const Drawing drawing = draw_everywhere(plot);
  EXPECT_TRUE(shows_text(drawing, "half"));
  EXPECT_FALSE(shows_text(drawing, "never"));
}

TEST(LinePlot, RefusesInconsistentDescriptions) {
  EXPECT_THROW(lay_out({.series = {{.x = {1, 2}, .y = {1}}}}), Error);
  EXPECT_THROW(lay_out({.series = {{.x = {1}, .y = {1}, .lower = {0}}}}), Error);
  EXPECT_THROW(lay_out({.x_axis = {.minimum = 2, .maximum = 1}}), Error);
  EXPECT_THROW(lay_out({.y_axis = {.scale = AxisScale::logarithmic, .minimum = 0}}), Error);
  EXPECT_THROW(lay_out({.width = 1e9}), Error);
  EXPECT_THROW(render_png(LinePlot{}, 0), Error);
}

TEST(SvgRenderer, EscapesEveryText) {
  const LinePlot plot{.title = "a < b & \"c\"",
                      .x_axis = {.label = "<script>"},
                      .y_axis = {.label = "'y'"},
                      .series = {{.name = "</svg>\x01\xFF", .x = {0, 1}, .y = {0, 1}}},
                      .reference_lines = {{0.5, "<&>"}}};
  for (const SvgUse use : {SvgUse::standalone, SvgUse::inside_html}) {
    const std::string svg = render_svg(plot, use);
    EXPECT_EQ(markup_fault(svg), "") << svg;
    EXPECT_EQ(svg.find("<script>"), std::string::npos);
    EXPECT_NE(svg.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
    EXPECT_EQ(svg.find('\x01'), std::string::npos);
  }
}

TEST(SvgRenderer, FollowsThePagesColoursInsideHtml) {
  const LinePlot plot{.series = {{.x = {0, 1}, .y = {0, 1}}}};
  const std::string inside = render_svg(plot, SvgUse::inside_html);
  EXPECT_NE(inside.find("var(--plot-series-0,#0072b2)"), std::string::npos);
  EXPECT_EQ(inside.find("http"), std::string::npos);
  EXPECT_EQ(render_svg(plot).find("var("), std::string::npos);
}

TEST(PngRenderer, PaintsTheCurveInItsColour) {
  const LinePlot plot{.series = {{.x = {0, 1}, .y = {1, 1}, .line_width = 6}}};
  const Image image = render_png(plot, 1);
  std::int64_t blue = 0, ink = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    blue += image.pixels[i] == 0 && image.pixels[i + 1] == 114 && image.pixels[i + 2] == 178;
    ink += image.pixels[i] < 128;
  }
  EXPECT_GT(blue, 3000);
  EXPECT_LT(ink, image.width * image.height / 10) << "most of the picture stays light";
}

TEST(PngRenderer, TranslucentCurvesAreNotDoubledWhereTheyCross) {
  const PlotSeries cross{.x = {0, 1, 1, 0}, .y = {0, 1, 0, 1}, .line_width = 9, .opacity = 0.5};
  const LinePlot plot{
      .x_axis = {.minimum = -1, .maximum = 2}, .y_axis = {.minimum = -1, .maximum = 2}, .series = {cross}};
  std::set<int> reds;
  const Image image = render_png(plot, 1);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    if (image.pixels[i + 2] > image.pixels[i] + 40) reds.insert(image.pixels[i]);
  }
  ASSERT_FALSE(reds.empty());
  EXPECT_GE(*reds.begin(), 110) << "half of blue on white or grid is never darker";
}

TEST(PolylineGeometry, ClipsAtTheEdges) {
  const Box box{0, 0, 10, 10};
  const auto parts = clip_polyline({{-5, 5}, {5, 5}, {5, 20}, {8, 20}, {8, 5}}, box);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].front().x, 0);
  EXPECT_EQ(parts[0].back().y, 10);
  EXPECT_EQ(parts[1].front().y, 10);
  EXPECT_EQ(parts[1].back().y, 5);
  EXPECT_TRUE(clip_polyline({{-5, -5}, {-1, 20}}, box).empty());
  EXPECT_TRUE(clip_polyline({}, box).empty());
}

TEST(ProcessFigures, DrawWithoutComplaint) {
  std::vector<double> falling;
  for (int t = 0; t < 1000; ++t) falling.push_back(1 - t / 1000.0);
  draw_everywhere(alpha_bar_plot({{"linear", falling}, {"cosine", falling}}));
  draw_everywhere(variance_ratio_plot({{"T = 1000", falling}, {"T = 1", {0}}}));
  draw_everywhere(variance_ratio_plot({{"T = 1000", falling}}, AxisScale::logarithmic));
  draw_everywhere(vlb_terms_plot({{"L_hybrid", falling}}));
  draw_everywhere(vlb_terms_plot({{"L_hybrid", falling}}, AxisScale::linear));
  draw_everywhere(vlb_terms_plot({}));
}

}  // namespace
}  // namespace iddpm
