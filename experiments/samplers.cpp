// Not of the paper: every sampler of the table, at as many evaluations of the network as each other one.

#include <map>

#include "experiments/finding.h"
#include "experiments/sampler_contenders.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/model.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/model/trajectory_table.h"
#include "iddpm/report/image_grid.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::experiments {
namespace {

constexpr std::int64_t pictured_columns = 10;
constexpr std::int64_t pictured_evaluations = 10;

/// The most steps that ask the network no more than so many times.
std::int64_t steps_within(const ForwardProcess& whole, const Sampler& sampler, std::int64_t evaluations) {
  std::int64_t steps = evaluations;
  const auto asked = [&] {
    const auto timesteps = respaced_timesteps(whole.schedule(), fmt::format("{}", steps));
    return sampler.evaluations(ForwardProcess(respaced_schedule(whole.schedule(), timesteps)));
  };
  while (steps > 1 && asked() > evaluations) --steps;
  return steps;
}

/// For each number of steps the timesteps that follow the model's own trajectories best.
std::map<std::int64_t, std::vector<std::int64_t>> best_timesteps(Workbench& bench, const std::filesystem::path& file,
                                                                 const std::vector<std::int64_t>& counts) {
  const TrajectoryTableOptions options{.seed = bench.settings().seed + 1};  // not the images that are judged
  const nlohmann::json depends_on = {{"checkpoint", identity(file)},
                                     {"trajectories", options.count},
                                     {"candidates", options.candidates},
                                     {"seed", options.seed},
                                     {"counts", counts},
                                     {"precision", name(bench.settings().precision)}};
  const nlohmann::json rows = bench.measured("best_timesteps", depends_on, [&] {
    const Model model = Model::open(file, {.device = bench.settings().device, .precision = bench.settings().precision});
    const TrajectoryTable table = measure_trajectories(model, options, bench.counter("Walking trajectories"));
    nlohmann::json result = nlohmann::json::array();
    for (const std::int64_t count : counts) {
      result.push_back(table.best_timesteps(std::min(count, table.trajectories.candidates())));
    }
    return result;
  });
  std::map<std::int64_t, std::vector<std::int64_t>> best;
  for (std::size_t i = 0; i < counts.size(); ++i) best[counts[i]] = rows.at(i).get<std::vector<std::int64_t>>();
  return best;
}

SampleRecipe sampling_recipe(const Contender& contender, const std::filesystem::path& file, const ForwardProcess& whole,
                             std::int64_t evaluations, const std::map<std::int64_t, std::vector<std::int64_t>>& best,
                             std::int64_t count) {
  SampleRecipe recipe{.checkpoint = file, .count = count, .sampler = contender.sampler};
  if (contender.spacing == found_spacing) {
    recipe.timesteps = best.at(evaluations);
  } else {
    recipe.steps =
        fmt::format("{}{}", contender.spacing, steps_within(whole, *make_sampler(contender.sampler, {}), evaluations));
  }
  return recipe;
}

}  // namespace

Outcome sampler_comparison(Workbench& bench) {
  // What the presets for small machines predict, with their weight.
  ModelRecipe model_of_presets = model_recipe("cosine", Objective::hybrid);
  model_of_presets.mean = Mean::velocity;
  model_of_presets.weighting.weight = LossWeight::simple;
  model_of_presets.name += "_v_simple";
  const std::filesystem::path file =
      bench.settings().model.empty() ? bench.model(model_of_presets).last() : find_checkpoint(bench.settings().model);
  const Model model = Model::open(file, {.device = bench.settings().device, .precision = bench.settings().precision});
  const ForwardProcess whole = model.reverse_process().q();
  const std::vector<std::int64_t> counts = evaluation_counts(bench.scale());
  const auto best = best_timesteps(bench, file, counts);

  Outcome outcome;
  LinePlot plot{.title = "Quality of samples and evaluations of the network",
                .x_axis = {.label = "evaluations of the network", .scale = AxisScale::logarithmic},
                .y_axis = {.label = "Frechet distance", .scale = AxisScale::logarithmic}};
  std::vector<Contender> contenders = all_contenders();
  std::vector<Tensor> rows;
  std::vector<std::string> labels;
  const std::int64_t pictured = nearest_count(counts, pictured_evaluations);
  for (Contender& contender : contenders) {
    for (const std::int64_t count : counts_of(contender, counts)) {
      const SampleRecipe recipe = sampling_recipe(contender, file, whole, count, best, bench.scale().step_samples);
      contender.distances[count] = bench.judge(recipe).at("frechet_distance").get<double>();
      if (count == pictured) rows.push_back(bench.samples(recipe).slice(0, 0, pictured_columns));
    }
    labels.push_back(contender.label());
    PlotSeries series{.name = contender.label(), .style = SeriesStyle::line_and_markers};
    for (const auto& [count, distance] : contender.distances) {
      series.x.push_back(static_cast<double>(count));
      series.y.push_back(distance);
    }
    outcome.numbers["frechet_distance"][contender.label()] = series.y;
    outcome.numbers["evaluations of"][contender.label()] = counts_of(contender, counts);
    plot.series.push_back(std::move(series));
  }
  const double real = bench.judge_real_images(bench.scale().step_samples).at("frechet_distance").get<double>();
  outcome.numbers["evaluations"] = counts;
  for (const auto& [count, timesteps] : best) outcome.numbers["best_timesteps"][fmt::format("{}", count)] = timesteps;
  outcome.numbers["real images"] = real;
  plot.reference_lines = {{.y = real, .label = "as many real images"}};

  SamplerVerdict verdict = judge_contenders(contenders, counts, bench.scale().step_samples, real);
  outcome.verdict = verdict.verdict;
  outcome.found = std::move(verdict.found);
  outcome.table = distances_table(contenders, counts);
  outcome.plots.emplace_back("", std::move(plot));
  const Tensor images = at::cat(rows);
  outcome.pictures.emplace_back(
      "samples", image_grid(from_pixels(images), {.columns = rows.front().size(0),
                                                  .upscale = comfortable_upscale(images.size(2), images.size(3)),
                                                  .row_labels = labels,
                                                  .text_size = 20}));
  return outcome;
}

}  // namespace iddpm::experiments
