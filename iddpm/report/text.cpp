#include "iddpm/report/text.h"

#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/report/canvas.h"
#include "iddpm/report/pango_text.h"
#include "iddpm/report/unicode_text.h"

namespace iddpm {
namespace {

struct FontDeleter {
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
};
struct FontOptionsDeleter {
  void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
};

std::string cut_to_width(const std::string& word, double width, const TextStyle& style) {
  if (text_width(word, style) <= width) return word;
  const std::u32string codes = decode_utf8(word);
  const auto cut = [&](std::size_t length) { return encode_utf8(codes.substr(0, length) + U"…"); };
  std::size_t fits = 0, too_long = codes.size();
  while (too_long - fits > 1) {
    const std::size_t middle = (fits + too_long) / 2;
    (text_width(cut(middle), style) <= width ? fits : too_long) = middle;
  }
  return cut(fits);
}

}  // namespace

void PangoDeleter::operator()(void* object) const { g_object_unref(object); }

PangoLayoutPointer text_layout(std::string_view text, const TextStyle& style, cairo_t* context) {
  const std::unique_ptr<PangoContext, PangoDeleter> pango(
      pango_font_map_create_context(pango_cairo_font_map_get_default()));
  const std::unique_ptr<cairo_font_options_t, FontOptionsDeleter> options(cairo_font_options_create());
  cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(pango.get(), options.get());
  pango_context_set_round_glyph_positions(pango.get(), FALSE);
  if (context != nullptr) pango_cairo_update_context(context, pango.get());

  PangoLayoutPointer layout(pango_layout_new(pango.get()));
  const std::unique_ptr<PangoFontDescription, FontDeleter> font(pango_font_description_from_string("sans-serif"));
  pango_font_description_set_absolute_size(font.get(), style.size * PANGO_SCALE);
  if (style.bold) pango_font_description_set_weight(font.get(), PANGO_WEIGHT_SEMIBOLD);
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  const std::string valid = encode_utf8(decode_utf8(text));
  pango_layout_set_text(layout.get(), valid.data(), static_cast<int>(valid.size()));
  return layout;
}

double baseline_of(PangoLayout& layout) { return pango_units_to_double(pango_layout_get_baseline(&layout)); }

double line_height(const TextStyle& style) {
  const PangoLayoutPointer layout = text_layout("", style);
  int height = 0;
  pango_layout_get_size(layout.get(), nullptr, &height);
  return pango_units_to_double(height);
}

double text_width(std::string_view text, const TextStyle& style) {
  const PangoLayoutPointer layout = text_layout(text, style);
  int width = 0;
  pango_layout_get_size(layout.get(), &width, nullptr);
  return pango_units_to_double(width);
}

std::vector<std::string> wrap_text(const std::vector<std::string>& words, double width, const TextStyle& style) {
  std::vector<std::string> lines;
  for (const std::string& whole_word : words) {
    const std::string word = cut_to_width(whole_word, width, style);
    if (!lines.empty() && text_width(lines.back() + " " + word, style) <= width) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

void draw_text(Image& image, double x, double y, std::string_view text, const TextStyle& style, Rgb color) {
  require(image.channels == 3, "draw_text: expected an RGB image, got {} channels", image.channels);
  // Only the part of the image that the text lies on is painted.
  const auto within = [](double value, std::int64_t size) {
    return static_cast<std::int64_t>(std::clamp(value, 0.0, static_cast<double>(size)));
  };
  const std::int64_t left = within(std::floor(x), image.width), top = within(std::floor(y), image.height);
  const std::int64_t right = within(std::ceil(x + text_width(text, style)) + 1, image.width);
  const std::int64_t bottom = within(std::ceil(y + line_height(style)) + 1, image.height);
  if (left >= right || top >= bottom) return;
  Image part{right - left, bottom - top, 3, {}};
  const auto row_of = [&](std::int64_t row) { return image.pixels.begin() + ((top + row) * image.width + left) * 3; };
  for (std::int64_t row = 0; row < part.height; ++row) {
    part.pixels.insert(part.pixels.end(), row_of(row), row_of(row) + part.width * 3);
  }
  Canvas canvas(part);
  const double baseline = baseline_of(*text_layout(text, style));
  canvas.write(text, {x - static_cast<double>(left), y - static_cast<double>(top) + baseline}, style, false,
               {color, 1});
  part = canvas.image();
  for (std::int64_t row = 0; row < part.height; ++row) {
    std::copy_n(part.pixels.begin() + row * part.width * 3, part.width * 3, row_of(row));
  }
}

}  // namespace iddpm
