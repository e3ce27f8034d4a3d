// Figure 1: the two bounds of the reverse variance are one but for the first steps.

#include "experiments/finding.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/report/process_figures.h"

namespace iddpm::experiments {

Outcome variance_ratio(Workbench&) {
  Outcome outcome;
  std::vector<ProcessCurve> ratios;
  std::string shares;
  for (const std::int64_t steps : {100, 1000, 4000}) {
    // Linear, as in the paper's figure.
    const NoiseSchedule schedule = linear_schedule({.steps = steps});
    ProcessCurve curve{.name = fmt::format("T = {}", steps), .values = {}};
    std::size_t below = 0;
    for (std::size_t t = 0; t < schedule.beta.size(); ++t) {
      // beta_tilde is 0 at t = 0; its clamped value, that of t = 1, is what stands in its place.
      const double beta_tilde = schedule.beta_tilde[t == 0 && schedule.beta.size() > 1 ? 1 : t];
      const double beta = schedule.beta[t == 0 && schedule.beta.size() > 1 ? 1 : t];
      curve.values.push_back(beta_tilde / beta);
      if (curve.values.back() < 0.95) ++below;
    }
    shares += fmt::format("{}{} of {}", shares.empty() ? "" : ", ", below, steps);
    outcome.numbers["ratio"][curve.name] = curve.values;
    outcome.numbers["steps_below_0.95"][curve.name] = below;
    ratios.push_back(std::move(curve));
  }
  outcome.found = fmt::format("The ratio is below 0.95 in {} steps only.", shares);
  LinePlot plot = variance_ratio_plot(ratios, AxisScale::logarithmic);
  plot.title = "Ratio of the bounds of the reverse variance, linear schedule";
  outcome.plots.emplace_back("", std::move(plot));
  return outcome;
}

}  // namespace iddpm::experiments
