#include "iddpm/report/png_renderer.h"

#include <cmath>
#include <variant>

#include "iddpm/core/error.h"
#include "iddpm/report/canvas.h"
#include "iddpm/report/palette.h"

namespace iddpm {
namespace {

Ink ink_of(Paint paint) { return {light_color(paint), paint.opacity}; }

/// Paints shapes onto a canvas.
class Rasteriser {
 public:
  explicit Rasteriser(Canvas& canvas) : canvas_(canvas) {}

  void operator()(const Polyline& line) {
    canvas_.stroke(line.points, line.width, line.dashed ? 3 * line.width + 1 : 0, line.dashed ? 2 * line.width + 2 : 0,
                   ink_of(line.paint));
  }
  void operator()(const Band& band) { canvas_.fill_band(band, ink_of(band.paint)); }
  void operator()(const FilledBox& filled) { canvas_.fill_box(filled.box, ink_of(filled.paint)); }
  void operator()(const Marker& marker) { canvas_.fill_marker(marker, ink_of(marker.paint)); }

  void operator()(const Text& text) {
    const double shift = text_width(text) * (text.anchor == Anchor::end      ? 1.0
                                             : text.anchor == Anchor::middle ? 0.5
                                                                             : 0.0);
    const auto write = [&](const std::string& words, double right, double up, double size) {
      const Point place = text.upwards ? Point{text.at.x - up, text.at.y - right + shift}
                                       : Point{text.at.x + right - shift, text.at.y - up};
      canvas_.write(words, place, {.size = size, .bold = text.bold}, text.upwards, ink_of(text.paint));
    };
    write(text.text, 0, 0, text.size);
    if (text.superscript.empty()) return;
    const double main_width =
        text_width(text.text, {.size = text.size, .bold = text.bold}) + superscript_gap(text.size);
    write(text.superscript, main_width, kSuperscriptRise * text.size, kSuperscriptSize * text.size);
  }

 private:
  Canvas& canvas_;
};

}  // namespace

Image render_png(const Drawing& drawing, double scale) {
  require(scale >= 0.5 && scale <= 8, "render_png: the scale must be between 0.5 and 8, got {}", scale);
  Canvas canvas(std::llround(drawing.width * scale), std::llround(drawing.height * scale),
                light_color({Role::background}), scale);
  Rasteriser rasteriser(canvas);
  for (const Shape& shape : drawing.shapes) std::visit(rasteriser, shape);
  return canvas.image();
}

Image render_png(const LinePlot& plot, double scale) { return render_png(lay_out(plot), scale); }

}  // namespace iddpm
