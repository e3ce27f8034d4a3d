#include "iddpm/report/image_grid.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/report/text.h"

namespace iddpm {
namespace {

using std::int64_t;

constexpr int64_t kWidestCaption = 4;  // in image widths; longer words are cut
constexpr int64_t kMaximumPixels = int64_t{1} << 28;

/// Between a label and its images, in text sizes.
constexpr double kLabelGap = 0.4;

struct GridLayout {
  int64_t rows, columns;
  int64_t image_width, image_height;  // upscaled
  int64_t column_width;
  int64_t left, top;  // of the first cell
  int64_t line_height;
  int64_t width, height;
  std::vector<std::vector<std::string>> caption_lines;
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c != ' ' && c != '\n') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.size() > 1 && words.back().empty()) words.pop_back();
  return words;
}

int64_t text_pixels(const std::string& text, const TextStyle& style) {
  return static_cast<int64_t>(std::ceil(text_width(text, style)));
}

int64_t label_gap(const GridOptions& options) { return static_cast<int64_t>(std::ceil(kLabelGap * options.text_size)); }

GridLayout lay_out(int64_t count, int64_t image_height, int64_t image_width, const GridOptions& options) {
  GridLayout grid;
  grid.columns = options.columns > 0 ? options.columns : static_cast<int64_t>(std::ceil(std::sqrt(count)));
  grid.rows = (count + grid.columns - 1) / grid.columns;
  require(options.row_labels.empty() || static_cast<int64_t>(options.row_labels.size()) == grid.rows,
          "image_grid: got {} row labels for {} rows", options.row_labels.size(), grid.rows);
  require(options.column_captions.empty() || static_cast<int64_t>(options.column_captions.size()) == grid.columns,
          "image_grid: got {} column captions for {} columns", options.column_captions.size(), grid.columns);
  grid.image_width = image_width * options.upscale;
  grid.image_height = image_height * options.upscale;

  const TextStyle style{.size = options.text_size};
  grid.line_height = static_cast<int64_t>(std::ceil(line_height(style)));
  grid.column_width = grid.image_width;
  std::vector<std::vector<std::string>> captions;
  for (const auto& caption : options.column_captions) {
    captions.push_back(words_of(caption));
    for (const auto& word : captions.back()) grid.column_width = std::max(grid.column_width, text_pixels(word, style));
  }
  const int64_t widest = std::max(kWidestCaption * grid.image_width, static_cast<int64_t>(1.2 * style.size));
  grid.column_width = std::min(grid.column_width, widest);
  std::size_t lines = 0;
  for (const auto& words : captions) {
    grid.caption_lines.push_back(wrap_text(words, static_cast<double>(grid.column_width), style));
    lines = std::max(lines, grid.caption_lines.back().size());
  }
  int64_t label_width = 0;
  for (const auto& label : options.row_labels) label_width = std::max(label_width, text_pixels(label, style));

  const int64_t padding = options.padding;
  grid.left = padding + (label_width > 0 ? label_width + label_gap(options) : 0);
  grid.top = padding + static_cast<int64_t>(lines) * grid.line_height;
  grid.width = grid.left + grid.columns * (grid.column_width + padding);
  grid.height = grid.top + grid.rows * (grid.image_height + padding);
  require(grid.width <= kMaximumPixels / grid.height,
          "image_grid: {} images of {} x {} pixels make a grid of {} x {} pixels, more than the limit of {} pixels",
          count, grid.image_width, grid.image_height, grid.width, grid.height, kMaximumPixels);
  return grid;
}

/// Pixel (x, y) of an image of 1 to 4 channels as RGB over a background.
Rgb composited_pixel(const Image& image, int64_t x, int64_t y, Rgb background) {
  const std::uint8_t* pixel = &image.pixels[(y * image.width + x) * image.channels];
  const bool grey = image.channels <= 2;
  const Rgb color = grey ? Rgb{pixel[0], pixel[0], pixel[0]} : Rgb{pixel[0], pixel[1], pixel[2]};
  if (image.channels % 2 == 1) return color;
  const int alpha = pixel[image.channels - 1];
  const auto over = [&](int front, int back) {
    return static_cast<std::uint8_t>((front * alpha + back * (255 - alpha) + 127) / 255);
  };
  return {over(color.red, background.red), over(color.green, background.green), over(color.blue, background.blue)};
}

void paste(Image& canvas, const Image& image, int64_t left, int64_t top, const GridOptions& options) {
  const int64_t upscale = options.upscale;
  for (int64_t y = 0; y < image.height * upscale; ++y) {
    std::uint8_t* target = &canvas.pixels[((top + y) * canvas.width + left) * 3];
    for (int64_t x = 0; x < image.width * upscale; ++x, target += 3) {
      const Rgb color = composited_pixel(image, x / upscale, y / upscale, options.background);
      target[0] = color.red, target[1] = color.green, target[2] = color.blue;
    }
  }
}

void draw_labels(Image& canvas, const GridLayout& grid, const GridOptions& options) {
  const TextStyle style{.size = options.text_size};
  const auto draw = [&](const std::string& text, int64_t x, int64_t y) {
    draw_text(canvas, static_cast<double>(x), static_cast<double>(y), text, style, options.text_color);
  };
  for (std::size_t row = 0; row < options.row_labels.size(); ++row) {
    const auto& label = options.row_labels[row];
    const int64_t top = grid.top + static_cast<int64_t>(row) * (grid.image_height + options.padding);
    draw(label, grid.left - label_gap(options) - text_pixels(label, style),
         top + (grid.image_height - grid.line_height) / 2);
  }
  for (std::size_t column = 0; column < grid.caption_lines.size(); ++column) {
    const int64_t left = grid.left + static_cast<int64_t>(column) * (grid.column_width + options.padding);
    const auto& lines = grid.caption_lines[column];
    int64_t y = grid.top - static_cast<int64_t>(lines.size()) * grid.line_height;
    for (const auto& line : lines) {
      draw(line, left + (grid.column_width - text_pixels(line, style)) / 2, y);
      y += grid.line_height;
    }
  }
}

}  // namespace

Image image_grid(const Tensor& images, const GridOptions& options) {
  require(images.dim() == 4 && images.size(0) > 0 && images.size(1) >= 1 && images.size(1) <= 4 && images.size(2) > 0 &&
              images.size(3) > 0,
          "image_grid: expected images of shape [N, C, H, W] with at least one image and 1 to 4 channels, got {}",
          format_shape(images.sizes()));
  const auto within = [](int64_t value, int64_t least, int64_t most) { return value >= least && value <= most; };
  require(
      within(options.columns, 0, kMaximumPixels) && within(options.padding, 0, 4096) &&
          within(options.upscale, 1, 1024) && options.text_size >= 1 && options.text_size <= 512,
      "image_grid: expected columns >= 0, padding 0 to 4096, upscale 1 to 1024 and text size 1 to 512, got {}, {}, {} "
      "and {}",
      options.columns, options.padding, options.upscale, options.text_size);
  const Tensor on_cpu = images.detach().to(at::kCPU, at::kFloat);
  const GridLayout grid = lay_out(images.size(0), images.size(2), images.size(3), options);
  Image canvas{grid.width, grid.height, 3, {}};
  canvas.pixels.resize(grid.width * grid.height * 3);
  for (std::size_t i = 0; i < canvas.pixels.size(); i += 3) {
    canvas.pixels[i] = options.background.red;
    canvas.pixels[i + 1] = options.background.green;
    canvas.pixels[i + 2] = options.background.blue;
  }
  for (int64_t i = 0; i < images.size(0); ++i) {
    const int64_t x = grid.left + i % grid.columns * (grid.column_width + options.padding);
    const int64_t y = grid.top + i / grid.columns * (grid.image_height + options.padding);
    paste(canvas, image_from_tensor(on_cpu[i]), x + (grid.column_width - grid.image_width) / 2, y, options);
  }
  draw_labels(canvas, grid, options);
  return canvas;
}

int64_t comfortable_upscale(int64_t height, int64_t width) {
  constexpr int64_t comfortable_side = 64;
  return std::max<int64_t>(1, comfortable_side / std::max<int64_t>({height, width, 1}));
}

}  // namespace iddpm
