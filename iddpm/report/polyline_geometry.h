#pragma once

#include <vector>

#include "iddpm/report/drawing.h"

namespace iddpm {

/// The parts of a polyline inside a box, cut at its edges.
std::vector<std::vector<Point>> clip_polyline(const std::vector<Point>& points, const Box& box);

/// A polyline with the same look: of the consecutive points that share a pixel column only the first, lowest, highest
/// and last stay, in their order. The work of drawing then depends on the figure's size and not on the number of
/// points.
std::vector<Point> thin_polyline(const std::vector<Point>& points);

/// Of points that fall into the same quarter of a pixel, the first.
std::vector<Point> thin_points(const std::vector<Point>& points);

}  // namespace iddpm
