#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/report/line_plot.h"

namespace iddpm {

/// Names and values, in the order in which they are shown.
using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// An image of a report and the sentence below it.
struct ReportImage {
  Image image = {};
  std::string caption = {};
  int display_scale = 1;  ///< CSS pixels per image pixel
};

/// Builds one self-contained HTML file: no scripts, nothing loaded from elsewhere (its content security policy forbids
/// both). It follows the reader's light or dark preference. Every text is escaped.
class HtmlReport {
 public:
  explicit HtmlReport(std::string title);

  /// A heading of level 2 to 4; the title is level 1.
  HtmlReport& heading(std::string_view text, int level = 2);
  HtmlReport& paragraph(std::string_view text);
  HtmlReport& preformatted(std::string_view text);
  HtmlReport& key_values(const KeyValues& entries);

  /// A table; columns whose cells are all numbers are aligned to the right. Throws Error when a row's length isn't the
  /// header's.
  HtmlReport& table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

  HtmlReport& plot(const LinePlot& plot, std::string_view caption = {});
  HtmlReport& image(const ReportImage& image);

  /// An animated WebP file, which plays by itself.
  HtmlReport& film(std::string_view webp, std::string_view caption);

  /// Images beside one another, as many in a row as the page holds.
  HtmlReport& gallery(const std::vector<ReportImage>& images);

  /// What `fill` adds goes into a part that the reader can open and close.
  HtmlReport& details(std::string_view summary, const std::function<void(HtmlReport&)>& fill, bool open = false);

  std::string html() const;

  /// Writes the file atomically.
  void write(const std::filesystem::path& path) const;

 private:
  std::string title_;
  std::string body_;
};

/// Bytes in base64 (RFC 4648), padded.
std::string base64(std::string_view bytes);

}  // namespace iddpm
