#include "iddpm/report/axis_ticks.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr double kTolerance = 1e-9;

double round_step(double rough) {
  const double magnitude = std::pow(10.0, std::floor(std::log10(rough)));
  const double mantissa = rough / magnitude;
  // The boundaries are the geometric means of neighbouring steps.
  if (mantissa < std::sqrt(2.0)) return magnitude;
  if (mantissa < std::sqrt(10.0)) return 2 * magnitude;
  if (mantissa < std::sqrt(50.0)) return 5 * magnitude;
  return 10 * magnitude;
}

int decimals_of(double step) { return std::max(0, static_cast<int>(-std::floor(std::log10(step) + kTolerance))); }

bool is_multiple(double value, double unit) { return std::abs(value / unit - std::round(value / unit)) < kTolerance; }

Tick scientific_tick(double value, double step) {
  if (value == 0) return {0, "0", ""};
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value)) + kTolerance));
  const double mantissa = value / std::pow(10.0, exponent);
  const int decimals = std::min(decimals_of(step / std::pow(10.0, exponent)), 12);
  std::string digits = fmt::format("{:.{}f}", mantissa, decimals);
  if (decimals > 0) digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return {value, digits == "1" ? "10" : digits + "×10", fmt::format("{}", exponent)};
}

/// A tick among others that are `step` apart and reach up to `largest`.
Tick make_tick(double value, double step, double largest) {
  if (largest >= 1e9 || largest < 1e-4) return scientific_tick(value, step);
  if (value == 0) return {0, fmt::format("{:.{}f}", 0.0, decimals_of(step)), ""};
  if (largest >= 1e6 && is_multiple(step, 1e5)) return {value, fmt::format("{:g}M", value / 1e6), ""};
  if (largest >= 1e4 && is_multiple(step, 500)) return {value, fmt::format("{:g}k", value / 1e3), ""};
  return {value, fmt::format("{:.{}f}", value, decimals_of(step)), ""};
}

/// A tick of a logarithmic axis: 0.01, 0.5, 100, and powers beyond these.
Tick make_log_tick(int exponent, int multiple, bool plain) {
  const double value = multiple * std::pow(10.0, exponent);
  if (plain) return {value, fmt::format("{:g}", value), ""};
  return {value, multiple == 1 ? "10" : fmt::format("{}×10", multiple), fmt::format("{}", exponent)};
}

}  // namespace

Ticks linear_ticks(double minimum, double maximum, int target) {
  require(std::isfinite(minimum) && std::isfinite(maximum) && minimum < maximum && target >= 1,
          "linear_ticks: expected a finite range and a target of at least 1, got [{}, {}] and {}", minimum, maximum,
          target);
  const double step = round_step((maximum / target - minimum / target));
  const double first = std::ceil(minimum / step - kTolerance), last = std::floor(maximum / step + kTolerance);
  const double largest = std::max(std::abs(first), std::abs(last)) * step;
  Ticks ticks;
  const int count = static_cast<int>(std::min(last - first, 100.0)) + 1;
  for (int i = 0; i < count; ++i) {
    ticks.major.push_back(make_tick((first + i == 0) ? 0.0 : (first + i) * step, step, largest));
  }
  return ticks;
}

Ticks log_ticks(double minimum, double maximum, int target) {
  require(std::isfinite(maximum) && minimum > 0 && minimum < maximum && target >= 1,
          "log_ticks: expected a finite positive range and a target of at least 1, got [{}, {}] and {}", minimum,
          maximum, target);
  const int lowest = static_cast<int>(std::floor(std::log10(minimum) + kTolerance));
  const int first = static_cast<int>(std::ceil(std::log10(minimum) - kTolerance));
  const int last = static_cast<int>(std::floor(std::log10(maximum) + kTolerance));
  const int decades = last - first + 1;
  const auto inside = [&](double value) {
    return value >= minimum * (1 - kTolerance) && value <= maximum * (1 + kTolerance);
  };
  Ticks ticks;
  if (decades >= 3) {
    const int stride = (decades + target - 1) / target;
    const bool plain = first >= -3 && last <= 4;
    // Strides count from 10^0, so that it is among the ticks.
    const int aligned = static_cast<int>(std::ceil(static_cast<double>(first) / stride)) * stride;
    for (int exponent = aligned; exponent <= last; exponent += stride) {
      ticks.major.push_back(make_log_tick(exponent, 1, plain));
    }
    for (int exponent = lowest; exponent <= last && stride == 1; ++exponent) {
      for (int multiple = 2; multiple <= 9; ++multiple) {
        const double value = multiple * std::pow(10.0, exponent);
        if (inside(value)) ticks.minor.push_back(value);
      }
    }
    return ticks;
  }
  const bool plain = lowest >= -4 && last <= 4;
  for (int exponent = lowest; exponent <= last; ++exponent) {
    for (const int multiple : {1, 2, 5}) {
      const Tick tick = make_log_tick(exponent, multiple, plain);
      if (inside(tick.value)) ticks.major.push_back(tick);
    }
  }
  if (ticks.major.size() >= 3) return ticks;
  return linear_ticks(minimum, maximum, target);
}

}  // namespace iddpm
