// Not of the paper: training in bfloat16 reaches the loss of float32.

#include <cmath>

#include "experiments/finding.h"
#include "iddpm/report/loss_curves.h"
#include "iddpm/training/run/metrics_log.h"

namespace iddpm::experiments {
namespace {

// Mean of the last third of a curve: what one run's noise leaves to be compared.
double end_level(const std::vector<double>& values) {
  double sum = 0;
  const std::size_t first = values.size() * 2 / 3;
  for (std::size_t i = first; i < values.size(); ++i) sum += values[i];
  return sum / static_cast<double>(values.size() - first);
}

}  // namespace

Outcome precision(Workbench& bench) {
  ModelRecipe bfloat16 = model_recipe("cosine", Objective::hybrid);
  ModelRecipe float32 = bfloat16, other_seed = bfloat16;
  bfloat16.precision = Precision::bfloat16;
  if (bench.settings().precision != Precision::bfloat16) bfloat16.name += "_bfloat16";
  float32.precision = Precision::float32;
  float32.name += "_float32";
  other_seed.precision = bfloat16.precision;
  other_seed.seed_offset = 1;
  other_seed.name += "_seed_1";

  Outcome outcome;
  LinePlot plot{.title = "Training in bfloat16 and in float32",
                .x_axis = {.label = "training step"},
                .y_axis = {.label = "L_simple (mean squared error)", .scale = AxisScale::logarithmic}};
  std::map<std::string, double> level;
  for (const auto& [label, recipe] :
       {std::pair{"float32", float32}, {"bfloat16", bfloat16}, {"bfloat16, another seed", other_seed}}) {
    const TrainedModel model = bench.model(recipe);
    PlotSeries series{.name = label, .line_width = 2, .dashed = recipe.seed_offset > 0};
    for (const LoggedStep& line : read_metrics_log(model.run)) {
      if (!line.mse) continue;
      series.x.push_back(static_cast<double>(line.step));
      series.y.push_back(*line.mse);
    }
    level[label] = end_level(series.y);
    outcome.numbers[label] = {{"step", series.x}, {"mse", series.y}, {"mean_of_last_third", level[label]}};
    series.y = smooth(series.y, std::max<std::size_t>(1, series.y.size() / 50));
    plot.series.push_back(std::move(series));
  }
  const double difference = std::abs(level["bfloat16"] / level["float32"] - 1);
  const double noise = std::abs(level["bfloat16, another seed"] / level["bfloat16"] - 1);
  outcome.found = fmt::format(
      "Mean loss of the last third of {} steps: {:.5f} in bfloat16, {:.5f} in float32 ({:.2f} % apart); another seed "
      "in "
      "bfloat16: {:.5f} ({:.2f} % apart).",
      bench.scale().training_steps, level["bfloat16"], level["float32"], 100 * difference,
      level["bfloat16, another seed"], 100 * noise);
  outcome.verdict = difference <= std::max(noise, 0.01) ? Verdict::shown : Verdict::not_shown;
  outcome.plots.emplace_back("", std::move(plot));
  return outcome;
}

}  // namespace iddpm::experiments
