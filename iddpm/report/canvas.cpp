#include "iddpm/report/canvas.h"

#include <algorithm>
#include <cmath>

namespace iddpm {
namespace {

using std::int64_t;

/// The pixels whose centres lie within `margin` of [low, high], cut at [0, size).
struct PixelRange {
  int64_t begin, end;
};

PixelRange pixels_between(double low, double high, double margin, int64_t size) {
  const double limit = static_cast<double>(size);
  return {static_cast<int64_t>(std::clamp(std::floor(low - margin), 0.0, limit)),
          static_cast<int64_t>(std::clamp(std::ceil(high + margin), 0.0, limit))};
}

/// The share of the pixel [i, i + 1] that [low, high] covers.
double overlap(int64_t i, double low, double high) {
  return std::clamp(std::min(high, i + 1.0) - std::max(low, static_cast<double>(i)), 0.0, 1.0);
}

double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double squared = dx * dx + dy * dy;
  const double along = squared > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / squared, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

}  // namespace

Canvas::Canvas(int64_t width, int64_t height, Rgb background)
    : width_(width), height_(height), pixels_(width * height * 3), coverage_(width * height) {
  for (std::size_t i = 0; i < pixels_.size(); i += 3) {
    pixels_[i] = background.red, pixels_[i + 1] = background.green, pixels_[i + 2] = background.blue;
  }
}

void Canvas::blend(int64_t x, int64_t y, double coverage, const Ink& ink) {
  const auto share = static_cast<float>(coverage * ink.opacity);
  float* pixel = &pixels_[(y * width_ + x) * 3];
  pixel[0] += share * (ink.color.red - pixel[0]);
  pixel[1] += share * (ink.color.green - pixel[1]);
  pixel[2] += share * (ink.color.blue - pixel[2]);
}

void Canvas::fill_box(const Box& box, Ink ink) {
  const PixelRange rows = pixels_between(box.top, box.bottom, 0, height_);
  const PixelRange columns = pixels_between(box.left, box.right, 0, width_);
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    const double row_share = overlap(y, box.top, box.bottom);
    for (int64_t x = columns.begin; x < columns.end; ++x) {
      blend(x, y, row_share * overlap(x, box.left, box.right), ink);
    }
  }
}

void Canvas::fill_marker(const Marker& marker, Ink ink) {
  const auto [center_x, center_y] = marker.center;
  const double reach = marker.radius * 1.5;
  const PixelRange rows = pixels_between(center_y - reach, center_y + reach, 1, height_);
  const PixelRange columns = pixels_between(center_x - reach, center_x + reach, 1, width_);
  const auto distance_outside = [&](double dx, double dy) {
    switch (marker.shape) {
      case MarkerShape::square:
        return std::max(std::abs(dx), std::abs(dy)) - marker.radius;
      case MarkerShape::diamond:
        return (std::abs(dx) + std::abs(dy) - kDiamondReach * marker.radius) / std::sqrt(2.0);
      case MarkerShape::circle:
        break;
    }
    return std::hypot(dx, dy) - marker.radius;
  };
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t x = columns.begin; x < columns.end; ++x) {
      const double outside = distance_outside(x + 0.5 - center_x, y + 0.5 - center_y);
      blend(x, y, std::clamp(0.5 - outside, 0.0, 1.0), ink);
    }
  }
}

void Canvas::fill_band(const Band& band, Ink ink) {
  if (band.x.size() < 2) return;
  const PixelRange columns = pixels_between(band.x.front(), band.x.back(), 0, width_);
  std::size_t right = 1;  // the band's first point that isn't left of the pixel's centre
  for (int64_t x = columns.begin; x < columns.end; ++x) {
    const double center = std::clamp(x + 0.5, band.x.front(), band.x.back());
    while (right + 1 < band.x.size() && band.x[right] < center) ++right;
    const double length = band.x[right] - band.x[right - 1];
    const double share = length > 0 ? (center - band.x[right - 1]) / length : 0;
    const double top = std::lerp(band.top[right - 1], band.top[right], share);
    const double bottom = std::lerp(band.bottom[right - 1], band.bottom[right], share);
    const PixelRange rows = pixels_between(top, bottom, 0, height_);
    const double column_share = overlap(x, band.x.front(), band.x.back());
    for (int64_t y = rows.begin; y < rows.end; ++y) blend(x, y, column_share * overlap(y, top, bottom), ink);
  }
}

void Canvas::stroke(const std::vector<std::vector<Point>>& lines, double width, Ink ink) {
  const double radius = width / 2;
  std::vector<int64_t> touched;
  const auto cover_segment = [&](Point a, Point b) {
    const PixelRange rows = pixels_between(std::min(a.y, b.y), std::max(a.y, b.y), radius + 1, height_);
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      // Of a long slanted segment only the stretch near this row.
      double left = std::min(a.x, b.x), right = std::max(a.x, b.x);
      if (std::abs(b.y - a.y) > 1) {
        const double reach = radius + 1.5;
        const auto along = [&](double row) { return std::clamp((row - a.y) / (b.y - a.y), 0.0, 1.0); };
        const double x_0 = std::lerp(a.x, b.x, along(y - reach)), x_1 = std::lerp(a.x, b.x, along(y + 1 + reach));
        left = std::min(x_0, x_1), right = std::max(x_0, x_1);
      }
      const PixelRange columns = pixels_between(left, right, radius + 1, width_);
      for (int64_t x = columns.begin; x < columns.end; ++x) {
        const double distance = distance_to_segment({x + 0.5, y + 0.5}, a, b);
        // A line thinner than a pixel covers at most its width.
        const double covered = std::min(std::clamp(radius + 0.5 - distance, 0.0, 1.0), width);
        float& coverage = coverage_[y * width_ + x];
        if (covered <= coverage) continue;
        if (coverage == 0) touched.push_back(y * width_ + x);
        coverage = static_cast<float>(covered);
      }
    }
  };
  for (const auto& line : lines) {
    if (line.size() == 1) cover_segment(line[0], line[0]);
    for (std::size_t i = 0; i + 1 < line.size(); ++i) cover_segment(line[i], line[i + 1]);
  }
  for (const int64_t index : touched) {
    blend(index % width_, index / width_, coverage_[index], ink);
    coverage_[index] = 0;
  }
}

Image Canvas::image() const {
  Image image{width_, height_, 3, std::vector<std::uint8_t>(pixels_.size())};
  for (std::size_t i = 0; i < pixels_.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(std::lround(std::clamp(pixels_[i], 0.0f, 255.0f)));
  }
  return image;
}

std::vector<std::vector<Point>> text_strokes(std::string_view text, Point origin, double cell, bool upwards) {
  std::vector<std::vector<Point>> strokes;
  for (const PlacedGlyph& placed : place_glyphs(text)) {
    const Glyph& shape = *placed.glyph;
    const auto dot = [&](int row, int column) {
      return row >= 0 && row < Glyph::kRows && column >= 0 && column < shape.width && shape.at(row, column);
    };
    const auto point = [&](int row, int column) {
      const double right = (placed.column + column + 0.5) * cell;
      const double up = (Glyph::kCapHeight - 0.5 - placed.row - row) * cell;
      return upwards ? Point{origin.x - up, origin.y - right} : Point{origin.x + right, origin.y - up};
    };
    for (int row = 0; row < Glyph::kRows; ++row) {
      for (int column = 0; column < shape.width; ++column) {
        if (!dot(row, column)) continue;
        const auto join = [&](int r, int c) { strokes.push_back({point(row, column), point(r, c)}); };
        strokes.push_back({point(row, column)});
        if (dot(row, column + 1)) join(row, column + 1);
        if (dot(row + 1, column)) join(row + 1, column);
        // Diagonals only where no corner joins the two dots already.
        if (dot(row + 1, column + 1) && !dot(row, column + 1) && !dot(row + 1, column)) join(row + 1, column + 1);
        if (dot(row + 1, column - 1) && !dot(row, column - 1) && !dot(row + 1, column)) join(row + 1, column - 1);
      }
    }
  }
  return strokes;
}

}  // namespace iddpm
