#include "iddpm/report/png_renderer.h"

#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/report/canvas.h"
#include "iddpm/report/palette.h"

namespace iddpm {
namespace {

Ink ink_of(Paint paint) { return {light_color(paint), paint.opacity}; }

/// A polyline cut into dashes, its pattern running on through the corners.
std::vector<std::vector<Point>> dashes_of(const std::vector<Point>& points, double on, double off) {
  std::vector<std::vector<Point>> dashes;
  bool drawing = true;
  double left_in_state = on;
  std::vector<Point> current = {points.front()};
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Point a = points[i], b = points[i + 1];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    double done = 0;
    while (length - done > left_in_state) {
      done += left_in_state;
      const Point change{a.x + (b.x - a.x) * done / length, a.y + (b.y - a.y) * done / length};
      if (drawing) {
        current.push_back(change);
        dashes.push_back(std::exchange(current, {}));
      } else {
        current = {change};
      }
      drawing = !drawing;
      left_in_state = drawing ? on : off;
    }
    left_in_state -= length - done;
    if (drawing) current.push_back(b);
  }
  if (drawing && current.size() > 1) dashes.push_back(std::move(current));
  return dashes;
}

/// Paints shapes onto a canvas, scaled.
class Rasteriser {
 public:
  Rasteriser(Canvas& canvas, double scale) : canvas_(canvas), scale_(scale) {}

  void operator()(const Polyline& line) {
    if (line.points.empty()) return;
    std::vector<Point> points;
    for (const Point p : line.points) points.push_back(scaled(p));
    const double width = line.width * scale_;
    if (line.dashed) {
      const double on = (3 * line.width + 1) * scale_, off = (2 * line.width + 2) * scale_;
      canvas_.stroke(dashes_of(points, on, off), width, ink_of(line.paint));
    } else {
      canvas_.stroke({points}, width, ink_of(line.paint));
    }
  }

  void operator()(Band band) {
    for (auto* values : {&band.x, &band.top, &band.bottom}) {
      for (double& value : *values) value *= scale_;
    }
    canvas_.fill_band(band, ink_of(band.paint));
  }

  void operator()(const FilledBox& filled) {
    const Box& box = filled.box;
    canvas_.fill_box({box.left * scale_, box.top * scale_, box.right * scale_, box.bottom * scale_},
                     ink_of(filled.paint));
  }

  void operator()(Marker marker) {
    marker.center = scaled(marker.center);
    marker.radius *= scale_;
    canvas_.fill_marker(marker, ink_of(marker.paint));
  }

  void operator()(const Text& text) {
    const double shift = text_width(text) * (text.anchor == Anchor::end      ? 1.0
                                             : text.anchor == Anchor::middle ? 0.5
                                                                             : 0.0);
    const auto place = [&](double right, double up) {
      return scaled(text.upwards ? Point{text.at.x - up, text.at.y - right} : Point{text.at.x + right, text.at.y - up});
    };
    write(text.text, place(-shift, 0), text.size, text);
    if (text.superscript.empty()) return;
    const double main_width = text_width({.text = text.text, .size = text.size}) + font_cell(text.size);
    write(text.superscript, place(main_width - shift, kSuperscriptRise * text.size), kSuperscriptSize * text.size,
          text);
  }

 private:
  Point scaled(Point p) const { return {p.x * scale_, p.y * scale_}; }

  void write(const std::string& words, Point origin, double size, const Text& style) {
    const double cell = font_cell(size) * scale_;
    const double weight = style.bold ? 1.4 : 0.95;
    canvas_.stroke(text_strokes(words, origin, cell, style.upwards), weight * cell, ink_of(style.paint));
  }

  Canvas& canvas_;
  double scale_;
};

}  // namespace

Image render_png(const Drawing& drawing, double scale) {
  require(scale >= 0.5 && scale <= 8, "render_png: the scale must be between 0.5 and 8, got {}", scale);
  Canvas canvas(std::llround(drawing.width * scale), std::llround(drawing.height * scale),
                light_color({Role::background}));
  Rasteriser rasteriser(canvas, scale);
  for (const Shape& shape : drawing.shapes) std::visit(rasteriser, shape);
  return canvas.image();
}

Image render_png(const LinePlot& plot, double scale) { return render_png(lay_out(plot), scale); }

}  // namespace iddpm
