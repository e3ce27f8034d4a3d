#include "iddpm/report/canvas.h"

#include <cairo.h>
#include <pango/pangocairo.h>

#include <cmath>
#include <numbers>

#include "iddpm/core/error.h"
#include "iddpm/report/pango_text.h"

namespace iddpm {
namespace {

constexpr std::int64_t longest_side = 32767;  // of a Cairo image

struct SurfaceDeleter {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct ContextDeleter {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};

void set_source(cairo_t* context, Ink ink) {
  cairo_set_source_rgba(context, ink.color.red / 255.0, ink.color.green / 255.0, ink.color.blue / 255.0, ink.opacity);
}

void fill(cairo_t* context, Ink ink) {
  set_source(context, ink);
  cairo_fill(context);
}

}  // namespace

struct Canvas::State {
  std::unique_ptr<cairo_surface_t, SurfaceDeleter> surface;
  std::unique_ptr<cairo_t, ContextDeleter> context;

  State(std::int64_t width, std::int64_t height) {
    require(width > 0 && height > 0 && width <= longest_side && height <= longest_side,
            "a picture of {} x {} pixels can't be drawn on; expected 1 to {} a side", width, height, longest_side);
    surface.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)));
    context.reset(cairo_create(surface.get()));
    require(cairo_status(context.get()) == CAIRO_STATUS_SUCCESS, ErrorKind::out_of_memory,
            "no memory for a picture of {} x {} pixels", width, height);
    cairo_set_line_cap(context.get(), CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(context.get(), CAIRO_LINE_JOIN_ROUND);
  }

  std::int64_t width() const { return cairo_image_surface_get_width(surface.get()); }
  std::int64_t height() const { return cairo_image_surface_get_height(surface.get()); }
  /// A pixel is 0x00RRGGBB.
  std::uint32_t* row(std::int64_t y) const {
    return reinterpret_cast<std::uint32_t*>(cairo_image_surface_get_data(surface.get()) +
                                            y * cairo_image_surface_get_stride(surface.get()));
  }
};

Canvas::Canvas(std::int64_t width, std::int64_t height, Rgb background, double scale)
    : state_(std::make_unique<State>(width, height)) {
  set_source(state_->context.get(), {background, 1});
  cairo_paint(state_->context.get());
  cairo_scale(state_->context.get(), scale, scale);
}

Canvas::Canvas(const Image& image) : state_(std::make_unique<State>(image.width, image.height)) {
  require(image.channels == 3, "only RGB images can be drawn on; this one has {} channels", image.channels);
  cairo_surface_flush(state_->surface.get());
  const std::uint8_t* pixel = image.pixels.data();
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint32_t* row = state_->row(y);
    for (std::int64_t x = 0; x < image.width; ++x, pixel += 3) {
      row[x] = std::uint32_t{pixel[0]} << 16 | std::uint32_t{pixel[1]} << 8 | pixel[2];
    }
  }
  cairo_surface_mark_dirty(state_->surface.get());
}

Canvas::~Canvas() = default;

void Canvas::fill_box(const Box& box, Ink ink) {
  cairo_rectangle(state_->context.get(), box.left, box.top, box.width(), box.height());
  fill(state_->context.get(), ink);
}

void Canvas::fill_marker(const Marker& marker, Ink ink) {
  cairo_t* context = state_->context.get();
  const auto [x, y] = marker.center;
  const double r = marker.radius;
  switch (marker.shape) {
    case MarkerShape::circle:
      cairo_new_sub_path(context);
      cairo_arc(context, x, y, r, 0, 2 * std::numbers::pi);
      break;
    case MarkerShape::square:
      cairo_rectangle(context, x - r, y - r, 2 * r, 2 * r);
      break;
    case MarkerShape::diamond: {
      const double reach = kDiamondReach * r;
      cairo_move_to(context, x, y - reach);
      cairo_line_to(context, x + reach, y);
      cairo_line_to(context, x, y + reach);
      cairo_line_to(context, x - reach, y);
      cairo_close_path(context);
    }
  }
  fill(context, ink);
}

void Canvas::fill_band(const Band& band, Ink ink) {
  if (band.x.size() < 2) return;
  cairo_t* context = state_->context.get();
  for (std::size_t i = 0; i < band.x.size(); ++i) cairo_line_to(context, band.x[i], band.top[i]);
  for (std::size_t i = band.x.size(); i-- > 0;) cairo_line_to(context, band.x[i], band.bottom[i]);
  cairo_close_path(context);
  fill(context, ink);
}

void Canvas::stroke(const std::vector<Point>& points, double width, double dash, double gap, Ink ink) {
  if (points.empty()) return;
  cairo_t* context = state_->context.get();
  for (const Point p : points) cairo_line_to(context, p.x, p.y);
  if (points.size() == 1) cairo_close_path(context);  // its round ends make it a dot
  const double dashes[] = {dash, gap};
  cairo_set_dash(context, dashes, gap > 0 ? 2 : 0, 0);
  cairo_set_line_width(context, width);
  set_source(context, ink);
  cairo_stroke(context);
}

void Canvas::write(std::string_view text, Point origin, const TextStyle& style, bool upwards, Ink ink) {
  cairo_t* context = state_->context.get();
  cairo_save(context);
  cairo_translate(context, origin.x, origin.y);
  if (upwards) cairo_rotate(context, -std::numbers::pi / 2);
  const PangoLayoutPointer layout = text_layout(text, style, context);
  cairo_move_to(context, 0, -baseline_of(*layout));
  set_source(context, ink);
  pango_cairo_show_layout(context, layout.get());
  cairo_restore(context);
  cairo_new_path(context);
}

Image Canvas::image() const {
  cairo_surface_flush(state_->surface.get());
  const std::int64_t width = state_->width(), height = state_->height();
  Image image{width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3))};
  std::uint8_t* target = image.pixels.data();
  for (std::int64_t y = 0; y < height; ++y) {
    const std::uint32_t* row = state_->row(y);
    for (std::int64_t x = 0; x < width; ++x) {
      for (const int shift : {16, 8, 0}) *target++ = static_cast<std::uint8_t>(row[x] >> shift & 0xFF);
    }
  }
  return image;
}

}  // namespace iddpm
