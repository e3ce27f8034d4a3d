// Figure 10: larger models are better at equal compute only if trained for long; quality follows compute.

#include "experiments/finding.h"
#include "iddpm/nn/network_statistics.h"

namespace iddpm::experiments {

Outcome compute(Workbench& bench) {
  const std::vector<double> flat(bench.scale().channel_multipliers.size(), 1.0);
  ModelRecipe middle = model_recipe("cosine", Objective::hybrid);
  ModelRecipe small = middle, large = middle;
  small.name += "_small";
  small.channel_multipliers = flat;
  large.name += "_large";
  large.residual_blocks = 2 * bench.scale().residual_blocks;

  Outcome outcome;
  LinePlot distance{.title = "Quality of samples and compute of training",
                    .x_axis = {.label = "compute of training (PFLOP)", .scale = AxisScale::logarithmic},
                    .y_axis = {.label = "Frechet distance (classifier features)", .scale = AxisScale::logarithmic}};
  LinePlot bits{.title = "Likelihood and compute of training",
                .x_axis = {.label = "compute of training (PFLOP)", .scale = AxisScale::logarithmic},
                .y_axis = {.label = "bits per dimension", .scale = AxisScale::logarithmic}};
  std::string ends;
  std::vector<double> end_distances;
  bool falls = true;
  for (const auto& [label, recipe] : {std::pair{"small", small}, {"middle", middle}, {"large", large}}) {
    const TrainedModel model = bench.model(recipe);
    const NetworkStatistics statistics = network_statistics(bench.model_settings(recipe).network);
    const std::string name =
        fmt::format("{} ({:.2g} M parameters)", label, static_cast<double>(statistics.parameters) / 1e6);
    PlotSeries distances{.name = name, .style = SeriesStyle::line_and_markers}, likelihoods = distances;
    std::vector<std::int64_t> steps;
    // Every other checkpoint, the last one among them.
    for (std::size_t i = (model.steps.size() - 1) % 2; i < model.steps.size(); i += 2) {
      // A training step: one forward pass and a backward one of twice its arithmetic.
      const double compute =
          3 * statistics.forward.total() * 1e-6 * static_cast<double>(model.steps[i] * bench.scale().batch);
      const nlohmann::json quality =
          bench.judge(SampleRecipe{.checkpoint = model.checkpoints[i],
                                   .count = bench.scale().samples,
                                   .steps = fmt::format("{}", bench.scale().sampling_steps)});
      // On a shortened process: the same for all, and affordable.
      const nlohmann::json bound =
          bench.likelihood(model.checkpoints[i], fmt::format("{}", bench.scale().sampling_steps));
      steps.push_back(model.steps[i]);
      distances.x.push_back(compute);
      distances.y.push_back(quality.at("frechet_distance").get<double>());
      likelihoods.x.push_back(compute);
      likelihoods.y.push_back(bound.at("total").get<double>());
    }
    falls = falls && (distances.y.size() < 2 || distances.y.back() < distances.y.front());
    end_distances.push_back(distances.y.back());
    ends += fmt::format("{}{} {:.1f} ({:.2f} bits/dim, {:.2g} PFLOP)", ends.empty() ? "" : ", ", label,
                        distances.y.back(), likelihoods.y.back(), distances.x.back());
    outcome.numbers[label] = {{"parameters", statistics.parameters},
                              {"petaflop", distances.x},
                              {"step", steps},
                              {"frechet_distance", distances.y},
                              {"bits_per_dimension", likelihoods.y}};
    distance.series.push_back(std::move(distances));
    bits.series.push_back(std::move(likelihoods));
  }
  const bool larger_is_better = end_distances[0] > end_distances[1] && end_distances[1] > end_distances[2];
  outcome.found = fmt::format("Frechet distance after {} steps: {}.", bench.scale().training_steps, ends);
  outcome.verdict = falls && larger_is_better ? Verdict::shown : falls ? Verdict::partly : Verdict::not_shown;
  if (!larger_is_better)
    outcome.found +=
        " Not shown: that each larger model ends better (after so few steps the differences are within the noise of so "
        "few "
        "samples).";
  outcome.plots.emplace_back("", std::move(distance));
  outcome.plots.emplace_back("likelihood", std::move(bits));
  return outcome;
}

}  // namespace iddpm::experiments
