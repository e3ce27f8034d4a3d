#include "iddpm/report/plot_axis.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

/// Larger magnitudes would overflow when a range is taken.
constexpr double kLargest = 1e300;
constexpr double kSmallestPositive = 1e-300;

}  // namespace

bool is_drawable(double value, AxisScale scale) {
  return std::isfinite(value) && (scale == AxisScale::linear || value > 0);
}

void DataRange::include(double value) {
  if (!is_drawable(value, scale_)) return;
  value = std::clamp(value, -kLargest, kLargest);
  if (scale_ == AxisScale::logarithmic) value = std::max(value, kSmallestPositive);
  if (empty()) minimum_ = maximum_ = value;
  minimum_ = std::min(minimum_, value);
  maximum_ = std::max(maximum_, value);
}

void DataRange::include(std::span<const double> values) {
  for (const double value : values) include(value);
}

PlacedAxis::PlacedAxis(const PlotAxis& axis, const DataRange& data, double margin)
    : scale_(axis.scale), minimum_(0), maximum_(1) {
  const bool logarithmic = scale_ == AxisScale::logarithmic;
  for (const auto& limit : {axis.minimum, axis.maximum}) {
    require(!limit || is_drawable(*limit, scale_), "lay_out: the {} axis '{}' can't have the limit {}",
            logarithmic ? "logarithmic" : "linear", axis.label, limit.value_or(0));
  }
  if (!data.empty()) {
    minimum_ = transformed(data.minimum());
    maximum_ = transformed(data.maximum());
    const double range = maximum_ - minimum_;
    const double magnitude = std::max(std::abs(minimum_), std::abs(maximum_));
    if (range <= 1e-12 * magnitude || range == 0) {  // a constant: in the middle of the axis
      const double half = logarithmic ? 0.5 : magnitude > 0 ? 0.1 * magnitude : 1;
      minimum_ -= half, maximum_ += half;
    } else {
      const bool starts_at_zero = !logarithmic && minimum_ >= 0 && minimum_ < 0.2 * maximum_;
      minimum_ = starts_at_zero && margin > 0 ? 0 : minimum_ - margin * range;
      maximum_ += margin * range;
    }
  } else if (logarithmic) {
    minimum_ = -1, maximum_ = 1;
  }
  if (axis.minimum) minimum_ = transformed(*axis.minimum);
  if (axis.maximum) maximum_ = transformed(*axis.maximum);
  require(!axis.minimum || !axis.maximum || minimum_ < maximum_,
          "lay_out: the limits of axis '{}' must ascend, got {} and {}", axis.label, axis.minimum.value_or(0),
          axis.maximum.value_or(0));
  if (minimum_ >= maximum_) {  // one limit is given and all data lies beyond it
    const double extent = logarithmic ? 1 : std::max(1.0, 0.1 * std::abs(minimum_));
    (axis.minimum ? maximum_ : minimum_) = axis.minimum ? minimum_ + extent : maximum_ - extent;
  }
}

void PlacedAxis::place(double begin, double end) { begin_ = begin, end_ = end; }

double PlacedAxis::transformed(double value) const {
  if (scale_ == AxisScale::linear) return std::clamp(value, -kLargest, kLargest);
  return std::log10(std::clamp(value, kSmallestPositive, kLargest));
}

double PlacedAxis::position(double value) const {
  constexpr double farthest = 100;  // in axis lengths
  const double share = (transformed(value) - minimum_) / (maximum_ - minimum_);
  return begin_ + std::clamp(share, -farthest, farthest) * (end_ - begin_);
}

Ticks PlacedAxis::ticks(int target) const {
  if (scale_ == AxisScale::linear) return linear_ticks(minimum_, maximum_, target);
  constexpr double last_power = 307;
  const auto power = [&](double exponent) { return std::pow(10.0, std::clamp(exponent, -last_power, last_power)); };
  return log_ticks(power(minimum_), power(maximum_), target);
}

}  // namespace iddpm
