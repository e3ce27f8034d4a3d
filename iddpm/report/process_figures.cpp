#include "iddpm/report/process_figures.h"

#include <numeric>
#include <utility>

namespace iddpm {
namespace {

/// t / T, or the steps 1 .. T where the axis is logarithmic and t = 0 would have no place.
std::vector<double> t_values(std::size_t steps, bool as_share) {
  std::vector<double> t(steps);
  std::iota(t.begin(), t.end(), as_share ? 0.0 : 1.0);
  if (as_share) {
    for (double& value : t) value /= static_cast<double>(steps);
  }
  return t;
}

LinePlot plot_over_t(std::string title, const std::vector<ProcessCurve>& curves, bool as_share) {
  LinePlot plot{.title = std::move(title)};
  for (const ProcessCurve& curve : curves) {
    plot.series.push_back({.name = curve.name, .x = t_values(curve.values.size(), as_share), .y = curve.values});
  }
  if (as_share) {
    plot.x_axis = {.label = "diffusion step (t / T)", .minimum = 0, .maximum = 1};
  } else {
    plot.x_axis = {.label = "diffusion step (t + 1)", .scale = AxisScale::logarithmic};
  }
  return plot;
}

}  // namespace

LinePlot alpha_bar_plot(const std::vector<ProcessCurve>& schedules) {
  LinePlot plot = plot_over_t("Signal left in x_t", schedules, /*as_share=*/true);
  plot.y_axis = {.label = "ᾱ (alpha_bar)", .minimum = 0, .maximum = 1};
  return plot;
}

LinePlot variance_ratio_plot(const std::vector<ProcessCurve>& processes, AxisScale t_scale) {
  LinePlot plot =
      plot_over_t("Ratio of the bounds of the reverse variance", processes, /*as_share=*/t_scale == AxisScale::linear);
  plot.y_axis = {.label = "β\u0303 / β", .minimum = 0, .maximum = 1.05};
  plot.reference_lines = {{.y = 1}};
  return plot;
}

LinePlot vlb_terms_plot(const std::vector<ProcessCurve>& models, AxisScale t_scale) {
  LinePlot plot = plot_over_t("Terms of the variational bound", models, /*as_share=*/t_scale == AxisScale::linear);
  plot.y_axis = {.label = "loss term (bits/dim)", .scale = AxisScale::logarithmic};
  return plot;
}

}  // namespace iddpm
