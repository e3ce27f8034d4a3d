#pragma once

#include <string>
#include <variant>
#include <vector>

namespace iddpm {

/// What a figure is made of, before it becomes SVG or pixels. Lengths are CSS pixels, y grows downwards.

/// A point of a drawing.
struct Point {
  double x = 0;
  double y = 0;
};

/// An axis-aligned rectangle.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// What a colour is for; the renderer knows the colour itself, which differs between light and dark pages.
enum class Role { background, ink, muted, grid, series };

/// A colour by its role, with the palette index of a series.
struct Paint {
  Role role = Role::ink;
  int series = 0;
  double opacity = 1;
};

/// Connected points, with round ends and joints.
struct Polyline {
  std::vector<Point> points = {};
  Paint paint = {};
  double width = 1;
  bool dashed = false;
};

/// The area between two lines that share their x, which don't decrease.
struct Band {
  std::vector<double> x = {};
  std::vector<double> top = {};
  std::vector<double> bottom = {};
  Paint paint = {};
};

/// A filled rectangle.
struct FilledBox {
  Box box = {};
  Paint paint = {};
};

enum class MarkerShape { circle, square, diamond };

/// Half the diagonal of a diamond, in radii.
inline constexpr double kDiamondReach = 1.3;

/// The mark of one data point.
struct Marker {
  Point center = {};
  MarkerShape shape = MarkerShape::circle;
  double radius = 3;
  Paint paint = {};
};

enum class Anchor { start, middle, end };

/// One line of text. `at` is on the baseline, at the text's start, middle or end.
struct Text {
  Point at = {};
  std::string text = {};
  std::string superscript = {};  ///< smaller and raised, after the text
  double size = 12;
  Anchor anchor = Anchor::start;
  bool bold = false;
  bool upwards = false;  ///< turned to read from bottom to top
  Paint paint = {};
};

using Shape = std::variant<Polyline, Band, FilledBox, Marker, Text>;

/// A figure: shapes painted in order, and a description for those who can't see it.
struct Drawing {
  double width = 0;
  double height = 0;
  std::string description = {};
  std::vector<Shape> shapes = {};
};

/// Size of a superscript and its rise, as shares of the text's size.
inline constexpr double kSuperscriptSize = 0.72;
inline constexpr double kSuperscriptRise = 0.38;

/// Between a text and its superscript.
inline double superscript_gap(double size) { return size * 0.1; }

/// The width a text takes, superscript included, in the font of `text.h`; other sans-serif fonts need about as much.
double text_width(const Text& text);

}  // namespace iddpm
