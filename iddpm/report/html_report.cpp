#include "iddpm/report/html_report.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/report/palette.h"
#include "iddpm/report/svg_renderer.h"
#include "iddpm/report/unicode_text.h"

namespace iddpm {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --page: #fbfbfa; --text: #1f2328; --soft: #5b6370; --line: #dcdfe3; --stripe: #f1f2f4; }
@media (prefers-color-scheme: dark) {
  :root { --page: #1b1d20; --text: #e6e6e6; --soft: #a3a9b3; --line: #3a3e44; --stripe: #24272b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, "Helvetica Neue", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
h3, h4 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
p { max-width: 46rem; }
table { border-collapse: collapse; margin: .75rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--line); }
tbody tr:nth-child(odd) { background: var(--stripe); }
tbody th { font-weight: 500; color: var(--soft); }
.number { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; }
pre { padding: .75rem; background: var(--stripe); overflow-x: auto; font-size: .85rem; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .35rem; max-width: 46rem; }
figure svg { width: 100%; height: auto; }
img { image-rendering: pixelated; max-width: 100%; height: auto; background: #fff; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.gallery figure { margin: 0; }
details { margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px; padding: .5rem .9rem; }
summary { cursor: pointer; font-weight: 500; }
)";

/// The colours of figures as CSS variables, for light and for dark pages.
std::string plot_colors() {
  std::vector<Paint> paints = {{Role::background}, {Role::ink}, {Role::muted}, {Role::grid}};
  for (int i = 0; i < kPaletteSize; ++i) paints.push_back({Role::series, i});
  std::string light, dark;
  for (const Paint paint : paints) {
    light += fmt::format(" {}: {};", css_variable(paint), hex_color(light_color(paint)));
    dark += fmt::format(" {}: {};", css_variable(paint), hex_color(dark_color(paint)));
  }
  return fmt::format(":root {{{} }}\n@media (prefers-color-scheme: dark) {{ :root {{{} }} }}\n", light, dark);
}

std::string caption_element(std::string_view caption) {
  return caption.empty() ? "" : fmt::format("<figcaption>{}</figcaption>", escape_markup(caption));
}

std::string image_element(const ReportImage& picture) {
  require(picture.display_scale >= 1, "HtmlReport: an image's display scale must be at least 1, got {}",
          picture.display_scale);
  const Image& image = picture.image;
  return fmt::format(
      "<figure><img src=\"data:image/png;base64,{}\" width=\"{}\" height=\"{}\" alt=\"{}\">{}</figure>\n",
      base64(encode_png(image)), image.width * picture.display_scale, image.height * picture.display_scale,
      escape_markup(picture.caption), caption_element(picture.caption));
}

bool is_number(const std::string& cell) {
  if (cell.empty()) return true;
  char* end = nullptr;
  std::strtod(cell.c_str(), &end);
  return end == cell.c_str() + cell.size();
}

}  // namespace

HtmlReport::HtmlReport(std::string title) : title_(std::move(title)) {}

HtmlReport& HtmlReport::heading(std::string_view text, int level) {
  require(level >= 2 && level <= 4, "HtmlReport: a heading's level must be 2 to 4, got {}", level);
  body_ += fmt::format("<h{0}>{1}</h{0}>\n", level, escape_markup(text));
  return *this;
}

HtmlReport& HtmlReport::paragraph(std::string_view text) {
  body_ += fmt::format("<p>{}</p>\n", escape_markup(text));
  return *this;
}

HtmlReport& HtmlReport::preformatted(std::string_view text) {
  body_ += fmt::format("<pre>{}</pre>\n", escape_markup(text));
  return *this;
}

HtmlReport& HtmlReport::key_values(const KeyValues& entries) {
  body_ += "<table><tbody>\n";
  for (const auto& [key, value] : entries) {
    body_ += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_markup(key), escape_markup(value));
  }
  body_ += "</tbody></table>\n";
  return *this;
}

HtmlReport& HtmlReport::table(const std::vector<std::string>& header,
                              const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::string_view> classes;
  for (const auto& row : rows) {
    require(row.size() == header.size(), "HtmlReport: a table row has {} cells, its header {}", row.size(),
            header.size());
  }
  for (std::size_t column = 0; column < header.size(); ++column) {
    const bool numbers =
        !rows.empty() && std::ranges::all_of(rows, [&](const auto& row) { return is_number(row[column]); });
    classes.push_back(numbers ? " class=\"number\"" : "");
  }
  body_ += "<div class=\"scroll\"><table><thead><tr>";
  for (std::size_t column = 0; column < header.size(); ++column) {
    body_ += fmt::format("<th scope=\"col\"{}>{}</th>", classes[column], escape_markup(header[column]));
  }
  body_ += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    body_ += "<tr>";
    for (std::size_t column = 0; column < row.size(); ++column) {
      body_ += fmt::format("<td{}>{}</td>", classes[column], escape_markup(row[column]));
    }
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
  return *this;
}

HtmlReport& HtmlReport::plot(const LinePlot& plot, std::string_view caption) {
  body_ += fmt::format("<figure style=\"max-width:{:.0f}px\">{}{}</figure>\n", plot.width,
                       render_svg(plot, SvgUse::inside_html), caption_element(caption));
  return *this;
}

HtmlReport& HtmlReport::image(const ReportImage& image) {
  body_ += image_element(image);
  return *this;
}

HtmlReport& HtmlReport::film(std::string_view webp, std::string_view caption) {
  body_ += fmt::format("<figure><img src=\"data:image/webp;base64,{}\" alt=\"{}\">{}</figure>\n", base64(webp),
                       escape_markup(caption), caption_element(caption));
  return *this;
}

HtmlReport& HtmlReport::gallery(const std::vector<ReportImage>& images) {
  body_ += "<div class=\"gallery\">\n";
  for (const ReportImage& image : images) body_ += image_element(image);
  body_ += "</div>\n";
  return *this;
}

HtmlReport& HtmlReport::details(std::string_view summary, const std::function<void(HtmlReport&)>& fill, bool open) {
  HtmlReport inner("");
  fill(inner);
  body_ += fmt::format("<details{}><summary>{}</summary>\n{}</details>\n", open ? " open" : "", escape_markup(summary),
                       inner.body_);
  return *this;
}

std::string HtmlReport::html() const {
  const std::string title = escape_markup(title_);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n{3}</body>\n</html>\n",
      title, kStyle, plot_colors(), body_);
}

void HtmlReport::write(const std::filesystem::path& path) const { write_file_atomically(path, html()); }

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace iddpm
