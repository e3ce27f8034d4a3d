#pragma once

#include <span>

#include "iddpm/report/axis_ticks.h"
#include "iddpm/report/line_plot.h"

namespace iddpm {

/// Smallest and largest value seen, of those an axis can show.
class DataRange {
 public:
  explicit DataRange(AxisScale scale) : scale_(scale) {}

  void include(double value);
  void include(std::span<const double> values);

  bool empty() const { return minimum_ > maximum_; }
  double minimum() const { return minimum_; }
  double maximum() const { return maximum_; }

 private:
  AxisScale scale_;
  double minimum_ = 1;
  double maximum_ = 0;
};

/// Whether a value has a place on an axis of this scale.
bool is_drawable(double value, AxisScale scale);

/// An axis in place: from data values to positions.
class PlacedAxis {
 public:
  /// The axis for this data, its limits widened by `margin` (a share of the range) unless given.
  PlacedAxis(const PlotAxis& axis, const DataRange& data, double margin);

  /// Puts the smallest value at `begin` and the largest at `end`.
  void place(double begin, double end);

  /// Where a drawable value lies; far outside the limits it is held at a distance that stays a number.
  double position(double value) const;

  Ticks ticks(int target) const;

 private:
  double transformed(double value) const;

  AxisScale scale_;
  double minimum_, maximum_;
  double begin_ = 0, end_ = 1;
};

}  // namespace iddpm
