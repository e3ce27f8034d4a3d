#include "iddpm/report/polyline_geometry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace iddpm {
namespace {

/// The share [begin, end] of the segment a -> b inside the box (Liang & Barsky 1984), if any.
std::optional<std::pair<double, double>> inside_share(Point a, Point b, const Box& box) {
  double begin = 0, end = 1;
  const double dx = b.x - a.x, dy = b.y - a.y;
  const std::array<std::pair<double, double>, 4> edges = {
      {{-dx, a.x - box.left}, {dx, box.right - a.x}, {-dy, a.y - box.top}, {dy, box.bottom - a.y}}};
  for (const auto& [direction, distance] : edges) {
    if (direction == 0) {
      if (distance < 0) return std::nullopt;
    } else if (direction < 0) {
      begin = std::max(begin, distance / direction);
    } else {
      end = std::min(end, distance / direction);
    }
  }
  if (begin > end) return std::nullopt;
  return std::pair(begin, end);
}

bool contains(const Box& box, Point p) {
  return p.x >= box.left && p.x <= box.right && p.y >= box.top && p.y <= box.bottom;
}

}  // namespace

std::vector<std::vector<Point>> clip_polyline(const std::vector<Point>& points, const Box& box) {
  std::vector<std::vector<Point>> parts;
  if (points.size() == 1 && contains(box, points[0])) return {points};
  bool continues = false;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Point a = points[i], b = points[i + 1];
    const auto share = inside_share(a, b, box);
    if (!share) {
      continues = false;
      continue;
    }
    const auto at = [&](double s) {
      return s == 0 ? a : s == 1 ? b : Point{a.x + s * (b.x - a.x), a.y + s * (b.y - a.y)};
    };
    if (!continues || share->first > 0) parts.push_back({at(share->first)});
    parts.back().push_back(at(share->second));
    continues = share->second == 1;
  }
  return parts;
}

std::vector<Point> thin_polyline(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (std::size_t begin = 0; begin < points.size();) {
    const double column = std::floor(points[begin].x);
    std::size_t end = begin, lowest = begin, highest = begin;
    for (; end < points.size() && std::floor(points[end].x) == column; ++end) {
      if (points[end].y < points[lowest].y) lowest = end;
      if (points[end].y > points[highest].y) highest = end;
    }
    std::array<std::size_t, 4> chosen = {begin, lowest, highest, end - 1};
    std::ranges::sort(chosen);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (i == 0 || chosen[i] != chosen[i - 1]) kept.push_back(points[chosen[i]]);
    }
    begin = end;
  }
  return kept;
}

std::vector<Point> thin_points(const std::vector<Point>& points) {
  std::set<std::pair<std::int64_t, std::int64_t>> taken;
  std::vector<Point> kept;
  for (const Point p : points) {
    if (taken.emplace(std::llround(p.x * 2), std::llround(p.y * 2)).second) kept.push_back(p);
  }
  return kept;
}

}  // namespace iddpm
