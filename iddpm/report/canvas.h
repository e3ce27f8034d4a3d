#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/report/bitmap_font.h"
#include "iddpm/report/drawing.h"

namespace iddpm {

/// A colour to paint with, and how opaque.
struct Ink {
  Rgb color;
  double opacity = 1;
};

/// An RGB picture that smooth shapes are painted onto. Lengths are pixels; the centre of the first pixel is (0.5, 0.5).
/// Edges are antialiased by the share of a pixel that a shape covers. What lies outside is cut off.
class Canvas {
 public:
  Canvas(std::int64_t width, std::int64_t height, Rgb background);

  void fill_box(const Box& box, Ink ink);
  void fill_marker(const Marker& marker, Ink ink);
  void fill_band(const Band& band, Ink ink);

  /// Lines with round ends and joints; where they cross themselves, a translucent ink isn't doubled.
  void stroke(const std::vector<std::vector<Point>>& lines, double width, Ink ink);

  Image image() const;

 private:
  void blend(std::int64_t x, std::int64_t y, double coverage, const Ink& ink);

  std::int64_t width_, height_;
  std::vector<float> pixels_;    ///< RGB, 0 to 255
  std::vector<float> coverage_;  ///< of the stroke being drawn; zero in between
};

/// The lines that draw a text in the built-in font: neighbouring dots of each glyph are joined, which rounds the font's
/// corners and lets it take any size. `origin` is the text's left end on the baseline, `cell` the distance of two dots;
/// `upwards` turns it.
std::vector<std::vector<Point>> text_strokes(std::string_view text, Point origin, double cell, bool upwards);

}  // namespace iddpm
