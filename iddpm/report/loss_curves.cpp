#include "iddpm/report/loss_curves.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace iddpm {
namespace {

/// Points a smoothed curve averages over, as a share of all.
constexpr double kSmoothingShare = 0.02;
constexpr std::size_t kFewestPointsToSmooth = 20;

/// A loss as pale values and a smoothed line, in one colour; an absent or wholly missing loss adds nothing.
void add_loss(LinePlot& plot, const LossHistory& losses, const std::vector<double>& values, std::string name,
              int color) {
  if (std::ranges::none_of(values, [](double value) { return std::isfinite(value); })) return;
  const bool smoothed = values.size() >= kFewestPointsToSmooth;
  if (smoothed) {
    const double radius = std::max(2.0, kSmoothingShare * static_cast<double>(values.size()));
    plot.series.push_back({.x = losses.step, .y = values, .color = color, .line_width = 1, .opacity = 0.25});
    plot.series.push_back(
        {.name = std::move(name), .x = losses.step, .y = smooth(values, radius), .color = color, .line_width = 2});
  } else {
    plot.series.push_back({.name = std::move(name),
                           .x = losses.step,
                           .y = values,
                           .style = SeriesStyle::line_and_markers,
                           .color = color});
  }
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
