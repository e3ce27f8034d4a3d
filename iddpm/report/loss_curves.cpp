#include "iddpm/report/loss_curves.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

/// Points to either side that a smoothed curve averages over, as a share of all.
constexpr double kSmoothingShare = 0.02;
constexpr std::size_t kFewestPointsToSmooth = 20;

/// Points to either side that the very first point is averaged over.
constexpr std::size_t kFirstReach = 4;

std::vector<double> moving_average(const std::vector<double>& values, std::size_t radius) {
  // Sums and counts of the finite values before each point.
  std::vector<double> sum(values.size() + 1, 0), count(values.size() + 1, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool finite = std::isfinite(values[i]);
    sum[i + 1] = sum[i] + (finite ? values[i] : 0);
    count[i + 1] = count[i] + (finite ? 1 : 0);
  }
  std::vector<double> average = values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    const std::size_t reach = std::min(radius, kFirstReach + i / 4);
    const std::size_t begin = i - std::min(reach, i), end = std::min(i + reach + 1, values.size());
    average[i] = (sum[end] - sum[begin]) / (count[end] - count[begin]);
  }
  return average;
}

/// A loss as pale values and a smoothed line, in one colour; a loss that was never observed adds nothing.
void add_loss(LinePlot& plot, const LossHistory& losses, const std::vector<double>& values, std::string name,
              int color) {
  if (values.empty()) return;
  require(values.size() == losses.step.size(), "loss '{}' has {} values for {} steps", name, values.size(),
          losses.step.size());
  std::vector<double> x, y;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) x.push_back(losses.step[i]), y.push_back(values[i]);
  }
  if (y.empty()) return;
  if (y.size() < kFewestPointsToSmooth) {
    plot.series.push_back(
        {.name = std::move(name), .x = x, .y = y, .style = SeriesStyle::line_and_markers, .color = color});
    return;
  }
  const auto radius = static_cast<std::size_t>(std::ceil(kSmoothingShare * static_cast<double>(y.size())));
  plot.series.push_back({.x = x, .y = y, .color = color, .line_width = 1, .opacity = 0.25});
  plot.series.push_back({.name = std::move(name), .x = x, .y = smooth(y, radius), .color = color, .line_width = 2});
}

LinePlot empty_loss_plot(std::string title) {
  return {.title = std::move(title),
          .x_axis = {.label = "training step"},
          .y_axis = {.label = "loss", .scale = AxisScale::logarithmic}};
}

/// Smooth lines in front of all pale values.
void bring_named_series_forward(LinePlot& plot) {
  std::ranges::stable_partition(plot.series, [](const PlotSeries& series) { return series.name.empty(); });
}

}  // namespace

std::vector<double> smooth(const std::vector<double>& values, std::size_t radius) {
  return moving_average(moving_average(values, radius), radius);
}

LinePlot loss_plot(const LossHistory& losses) {
  LinePlot plot = empty_loss_plot("Training loss");
  add_loss(plot, losses, losses.total, "total", 0);
  add_loss(plot, losses, losses.mse, "mse", 1);
  add_loss(plot, losses, losses.vb, "vb", 2);
  // The total often equals mse or nearly so: dashed above it, both are seen.
  for (PlotSeries& series : plot.series) series.dashed = series.name == "mse";
  bring_named_series_forward(plot);
  return plot;
}

LinePlot quartile_plot(const LossHistory& losses) {
  LinePlot plot = empty_loss_plot("Training loss by quarter of the timesteps");
  constexpr const char* names[] = {"up to T/4 (least noise)", "T/4 to T/2", "T/2 to 3T/4", "from 3T/4 (most noise)"};
  for (int k = 0; k < 4; ++k) add_loss(plot, losses, losses.quartiles[k], names[k], k);
  bring_named_series_forward(plot);
  return plot;
}

}  // namespace iddpm
