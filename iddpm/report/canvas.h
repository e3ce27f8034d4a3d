#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/report/color.h"
#include "iddpm/report/drawing.h"
#include "iddpm/report/text.h"

namespace iddpm {

/// A colour to paint with, and how opaque.
struct Ink {
  Rgb color;
  double opacity = 1;
};

/// An RGB picture that smooth shapes and text are painted onto (Cairo, antialiased). What lies outside is cut off.
class Canvas {
 public:
  /// Lengths are `scale` pixels each.
  Canvas(std::int64_t width, std::int64_t height, Rgb background, double scale = 1);
  /// On top of an RGB image. Throws Error if it is larger than 32,767 pixels a side.
  explicit Canvas(const Image& image);
  ~Canvas();

  void fill_box(const Box& box, Ink ink);
  void fill_marker(const Marker& marker, Ink ink);
  void fill_band(const Band& band, Ink ink);
  /// A line with round ends and joints, in dashes of a length and a gap if that isn't 0; where it crosses itself, a
  /// translucent ink isn't doubled.
  void stroke(const std::vector<Point>& points, double width, double dash, double gap, Ink ink);
  /// A line of text that begins at a point of its baseline; `upwards` turns it.
  void write(std::string_view text, Point origin, const TextStyle& style, bool upwards, Ink ink);

  Image image() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace iddpm
