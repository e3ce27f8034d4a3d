#include "iddpm/report/svg_renderer.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "iddpm/report/palette.h"
#include "iddpm/report/unicode_text.h"

namespace iddpm {
namespace {

/// A coordinate with at most two decimals.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

/// Writes shapes as SVG elements, one a line.
class SvgWriter {
 public:
  explicit SvgWriter(SvgUse use) : use_(use) {}

  void operator()(const Polyline& line) {
    std::string path;
    for (const Point p : line.points)
      path += fmt::format("{}{} {}", path.empty() ? 'M' : 'L', number(p.x), number(p.y));
    if (line.points.size() == 1) path += "h0";  // round ends make it a dot
    add("<path d=\"{}\" fill=\"none\" {}stroke-width=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\"{}/>",
        path, paint("stroke", line.paint), number(line.width),
        line.dashed ? fmt::format(" stroke-dasharray=\"{}\"", dashes(line.width)) : "");
  }

  void operator()(const Band& band) {
    std::string points;
    for (std::size_t i = 0; i < band.x.size(); ++i)
      points += fmt::format("{},{} ", number(band.x[i]), number(band.top[i]));
    for (std::size_t i = band.x.size(); i-- > 0;) {
      points += fmt::format("{},{}{}", number(band.x[i]), number(band.bottom[i]), i > 0 ? " " : "");
    }
    add("<polygon points=\"{}\" {}/>", points, paint("fill", band.paint));
  }

  void operator()(const FilledBox& filled) {
    if (use_ == SvgUse::inside_html && filled.paint.role == Role::background) return;
    const Box& box = filled.box;
    add("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>", number(box.left), number(box.top),
        number(box.width()), number(box.height()), paint("fill", filled.paint));
  }

  void operator()(const Marker& marker) {
    const double r = marker.radius;
    const auto [x, y] = marker.center;
    const std::string fill = paint("fill", marker.paint);
    switch (marker.shape) {
      case MarkerShape::circle:
        return add("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {}/>", number(x), number(y), number(r), fill);
      case MarkerShape::square:
        return add("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>", number(x - r), number(y - r),
                   number(2 * r), number(2 * r), fill);
      case MarkerShape::diamond:
        add_diamond(x, y, r * kDiamondReach, fill);
    }
  }

  void operator()(const Text& text) {
    constexpr const char* anchors[] = {"start", "middle", "end"};
    const std::string turn =
        text.upwards ? fmt::format(" transform=\"rotate(-90 {} {})\"", number(text.at.x), number(text.at.y)) : "";
    std::string raised;
    if (!text.superscript.empty()) {
      raised =
          fmt::format("<tspan dx=\"1\" dy=\"{}\" font-size=\"{}\">{}</tspan>", number(-kSuperscriptRise * text.size),
                      number(kSuperscriptSize * text.size), escape_markup(text.superscript));
    }
    add("<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\"{}{} {}>{}{}</text>", number(text.at.x),
        number(text.at.y), number(text.size), anchors[static_cast<int>(text.anchor)],
        text.bold ? " font-weight=\"600\"" : "", turn, paint("fill", text.paint), escape_markup(text.text), raised);
  }

  const std::string& elements() const { return elements_; }

 private:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(elements_), format, std::forward<Args>(args)...);
    elements_ += '\n';
  }

  void add_diamond(double x, double y, double r, const std::string& fill) {
    add("<path d=\"M{} {}L{} {}L{} {}L{} {}Z\" {}/>", number(x), number(y - r), number(x + r), number(y), number(x),
        number(y + r), number(x - r), number(y), fill);
  }

  static std::string dashes(double width) { return fmt::format("{} {}", number(3 * width + 1), number(2 * width + 2)); }

  /// `fill="#..."`, or `style="fill:var(--plot-...,#...)"` inside a page, with the opacity if below 1.
  std::string paint(const char* property, Paint paint) const {
    const std::string color = hex_color(light_color(paint));
    std::string attributes = use_ == SvgUse::standalone
                                 ? fmt::format("{}=\"{}\"", property, color)
                                 : fmt::format("style=\"{}:var({},{})\"", property, css_variable(paint), color);
    if (paint.opacity < 1) attributes += fmt::format(" {}-opacity=\"{}\"", property, number(paint.opacity));
    return attributes + (std::string_view(property) == "stroke" ? " " : "");
  }

  SvgUse use_;
  std::string elements_;
};

}  // namespace

std::string render_svg(const Drawing& drawing, SvgUse use) {
  SvgWriter writer(use);
  for (const Shape& shape : drawing.shapes) std::visit(writer, shape);
  const std::string size = fmt::format("width=\"{}\" height=\"{}\"", number(drawing.width), number(drawing.height));
  return fmt::format(
      "<svg {}{} viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" "
      "font-family=\"system-ui, 'Helvetica Neue', Helvetica, Arial, sans-serif\">\n{}</svg>\n",
      use == SvgUse::standalone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", size, number(drawing.width),
      number(drawing.height), escape_markup(drawing.description), writer.elements());
}

std::string render_svg(const LinePlot& plot, SvgUse use) { return render_svg(lay_out(plot), use); }

}  // namespace iddpm
