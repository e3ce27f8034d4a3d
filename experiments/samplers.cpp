// Not of the paper: every sampler of the table, at as many evaluations of the network as each other one.

#include <algorithm>
#include <map>
#include <optional>

#include "experiments/finding.h"
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
constexpr std::int64_t most_evaluations_of_ancestral = 50;  // that one at ten is measured against
const std::string found_spacing = "best";                   // timesteps found for the model

/// A sampler with a spacing of timesteps, and its distances by evaluations of the network.
struct Contender {
  std::string sampler;
  std::string spacing = {};  ///< before the number of steps in a specification; "": evenly
  std::map<std::int64_t, double> distances = {};

  std::string label() const { return spacing.empty() ? sampler : sampler + ", " + spacing; }
};

std::vector<std::int64_t> evaluation_counts(const Scale& scale) {
  std::vector<std::int64_t> counts;
  for (const std::int64_t count : {5, 8, 10, 15, 20, 30, 50, 100}) {
    if (count <= scale.diffusion_steps && count <= scale.most_evaluations) counts.push_back(count);
  }
  return counts;
}

std::vector<Contender> contenders_of_table() {
  std::vector<Contender> contenders;
  for (const SamplerEntry& entry : samplers()) contenders.push_back({.sampler = entry.name});
  for (const char* spacing : {"trailing", "logsnr", "karras", "best"}) {
    contenders.push_back({.sampler = "dpm++", .spacing = spacing});
  }
  return contenders;
}

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

std::string distances_table(const std::vector<Contender>& contenders, const std::vector<std::int64_t>& counts) {
  std::string table = fmt::format("| evaluations of the network | {} |\n|---|{}\n", fmt::join(counts, " | "),
                                  fmt::join(std::vector<std::string>(counts.size(), "---|"), ""));
  for (const Contender& contender : contenders) {
    table +=
        fmt::format("| `{}`{} |", contender.sampler, contender.spacing.empty() ? "" : ", `" + contender.spacing + "`");
    for (const std::int64_t count : counts) table += fmt::format(" {:.3f} |", contender.distances.at(count));
    table += "\n";
  }
  return table;
}

const Contender& best_at(const std::vector<Contender>& contenders, std::int64_t evaluations) {
  return *std::min_element(contenders.begin(), contenders.end(), [&](const Contender& a, const Contender& b) {
    return a.distances.at(evaluations) < b.distances.at(evaluations);
  });
}

/// The greatest of the counts that is at most `most`, or the least.
std::int64_t nearest_count(const std::vector<std::int64_t>& counts, std::int64_t most) {
  std::int64_t nearest = counts.front();
  for (const std::int64_t count : counts) {
    if (count <= most) nearest = count;
  }
  return nearest;
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
  std::vector<Contender> contenders = contenders_of_table();
  std::vector<Tensor> rows;
  std::vector<std::string> labels;
  const std::int64_t pictured = nearest_count(counts, pictured_evaluations);
  for (Contender& contender : contenders) {
    for (const std::int64_t count : counts) {
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
    plot.series.push_back(std::move(series));
  }
  const double real = bench.judge_real_images(bench.scale().step_samples).at("frechet_distance").get<double>();
  outcome.numbers["evaluations"] = counts;
  for (const auto& [count, timesteps] : best) outcome.numbers["best_timesteps"][fmt::format("{}", count)] = timesteps;
  outcome.numbers["real images"] = real;
  plot.reference_lines = {{.y = real, .label = "as many real images"}};

  const std::int64_t few = nearest_count(counts, 10), some = nearest_count(counts, 20);
  const std::int64_t many = nearest_count(counts, most_evaluations_of_ancestral);
  const Contender& ancestral = *std::find_if(contenders.begin(), contenders.end(), [](const Contender& contender) {
    return contender.sampler == "ancestral";
  });
  const Contender &at_few = best_at(contenders, few), &at_some = best_at(contenders, some),
                  &at_many = best_at(contenders, many);
  const auto name_and_distance = [](const Contender& contender, std::int64_t count) {
    return fmt::format("{} {:.3f}", contender.label(), contender.distances.at(count));
  };
  outcome.found = fmt::format(
      "Frechet distance of {} samples each: with {} evaluations the best is {}, with {} {}, with {} {}; ancestral "
      "comes "
      "to {:.3f}, {:.3f} and {:.3f}. As many real images: {:.3f}.",
      bench.scale().step_samples, few, name_and_distance(at_few, few), some, name_and_distance(at_some, some), many,
      name_and_distance(at_many, many), ancestral.distances.at(few), ancestral.distances.at(some),
      ancestral.distances.at(many), real);
  const bool fewer_do = at_few.distances.at(few) < ancestral.distances.at(many);
  outcome.verdict = fewer_do ? Verdict::shown : Verdict::not_shown;
  if (!fewer_do) {
    outcome.found += fmt::format(" Not shown: that {} evaluations of any are as good as {} of ancestral.", few, many);
  }
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
