// At equal processor time: a GAN, a preset as it is, and recipes that change something of it.

#include <algorithm>
#include <cmath>

#include "experiments/competitor.h"
#include "experiments/dcgan_runs.h"
#include "experiments/finding.h"
#include "iddpm/core/error.h"
#include "iddpm/core/formats.h"
#include "iddpm/io/pixels.h"
#include "iddpm/report/image_grid.h"

namespace iddpm::experiments {
namespace {

/// Over the seeds.
struct Spread {
  double mean = 0;
  double deviation = 0;  ///< divided by the number less 1; 0 of one
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / count;
  if (values.size() < 2) return spread;
  for (const double value : values) spread.deviation += std::pow(value - spread.mean, 2) / (count - 1);
  spread.deviation = std::sqrt(spread.deviation);
  return spread;
}

template <typename Figure>
std::vector<double> over_seeds(const Competitor& competitor, const Figure& figure) {
  std::vector<double> values;
  for (const SeedResult& seed : competitor.seeds) values.push_back(figure(seed));
  return values;
}

std::vector<double> reported_distances(const Competitor& competitor) {
  return over_seeds(competitor, [](const SeedResult& seed) { return extrapolated_distance(seed.reporting); });
}

double tuning_distance(const Competitor& competitor) {
  return spread_of(over_seeds(competitor, [](const SeedResult& seed) { return extrapolated_distance(seed.tuning); }))
      .mean;
}

// "2.41 ± 0.13"; the mean alone of one seed.
std::string cell(const std::vector<double>& values, int digits) {
  const Spread spread = spread_of(values);
  std::string text = fmt::format("{:.{}f}", spread.mean, digits);
  if (values.size() > 1) text += fmt::format(" ± {:.{}f}", spread.deviation, digits);
  return text;
}

double figure_of(const nlohmann::json& judgement, const char* name) { return judgement.value(name, std::nan("")); }

// At the largest k.
double manifold_figure(const nlohmann::json& judgement, const char* name) {
  const nlohmann::json& neighbours = judgement.at("neighbours");
  return neighbours.empty() ? std::nan("") : neighbours.back().at(name).get<double>();
}

std::string judged_cells(const std::vector<nlohmann::json>& judgements) {
  const auto of = [&](const auto& figure, int digits) {
    std::vector<double> values;
    for (const nlohmann::json& judgement : judgements) values.push_back(figure(judgement));
    return cell(values, digits);
  };
  const auto plain = [&](const char* name, double scale, int digits) {
    return of([&](const nlohmann::json& judgement) { return scale * figure_of(judgement, name); }, digits);
  };
  const auto manifold = [&](const char* name) {
    return of([&](const nlohmann::json& judgement) { return manifold_figure(judgement, name); }, 3);
  };
  return fmt::format("{} | {} | {} | {} | {} | {} | {}", of(extrapolated_distance, 2), plain("frechet_distance", 1, 2),
                     plain("kernel_distance", 1000, 2), manifold("precision"), manifold("recall"), manifold("density"),
                     manifold("coverage"));
}

std::string difference_cell(const Competitor& competitor, const Competitor& preset) {
  if (&competitor == &preset || preset.seeds.size() != competitor.seeds.size()) return "";
  std::vector<double> differences = reported_distances(competitor);
  const std::vector<double> base = reported_distances(preset);
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= base[i];
  const Spread spread = spread_of(differences);
  return fmt::format("{:+.2f} ± {:.2f}", spread.mean, spread.deviation);
}

std::string quality_row(const Competitor& competitor, const Competitor& preset) {
  std::string row = fmt::format("| {} | {} |", competitor.name, competitor.options);
  if (!competitor.diverged.empty()) return row + " diverged | | | | | | | | | | | |\n";
  std::vector<nlohmann::json> judgements;
  std::vector<double> bits;
  for (const SeedResult& seed : competitor.seeds) {
    judgements.push_back(seed.reporting);
    if (seed.bits) bits.push_back(*seed.bits);
  }
  const auto steps = over_seeds(competitor, [](const SeedResult& seed) { return static_cast<double>(seed.steps); });
  return row + fmt::format(" {:.0f} | {} | {} | {:.2f} | {} × {:.2f} ms | {} |\n", spread_of(steps).mean,
                           judged_cells(judgements), difference_cell(competitor, preset), tuning_distance(competitor),
                           competitor.cost.at("evaluations").get<std::int64_t>(),
                           competitor.cost.at("milliseconds").get<double>() /
                               static_cast<double>(competitor.cost.at("evaluations").get<std::int64_t>()),
                           bits.empty() ? "" : cell(bits, 3));
}

PlotSeries quality_curve(const Competitor& competitor) {
  PlotSeries series{.name = competitor.name, .style = SeriesStyle::line_and_markers};
  for (std::size_t k = 0; k < competitor.seeds.front().curve_seconds.size(); ++k) {
    const Spread seconds =
        spread_of(over_seeds(competitor, [k](const SeedResult& seed) { return seed.curve_seconds[k]; }));
    const std::vector<double> distances =
        over_seeds(competitor, [k](const SeedResult& seed) { return seed.curve_distances[k]; });
    series.x.push_back(seconds.mean);
    series.y.push_back(spread_of(distances).mean);
    series.lower.push_back(*std::min_element(distances.begin(), distances.end()));
    series.upper.push_back(*std::max_element(distances.begin(), distances.end()));
  }
  return series;
}

nlohmann::json quality_numbers(const Competitor& competitor) {
  nlohmann::json numbers = {{"options", competitor.options}, {"cost", competitor.cost}};
  if (!competitor.diverged.empty()) numbers["diverged"] = competitor.diverged;
  for (const SeedResult& seed : competitor.seeds) {
    nlohmann::json json = {{"processor_seconds", seed.seconds},
                           {"steps", seed.steps},
                           {"tuning", seed.tuning},
                           {"reporting", seed.reporting},
                           {"curve_seconds", seed.curve_seconds},
                           {"curve_distances", seed.curve_distances}};
    if (seed.bits) json["bits_per_dimension"] = *seed.bits;
    numbers["seeds"].push_back(std::move(json));
  }
  return numbers;
}

Image rows_of_samples(Workbench& bench, const std::vector<Competitor>& competitors) {
  std::vector<Tensor> rows = {images_of(*bench.training_images(), pictured_samples)};
  std::vector<std::string> labels = {"training images"};
  std::int64_t columns = rows.front().size(0);
  for (const Competitor& competitor : competitors) {
    if (!competitor.picture.defined() || competitor.seeds.empty()) continue;
    rows.push_back(competitor.picture);
    labels.push_back(competitor.name);
    columns = std::min(columns, competitor.picture.size(0));
  }
  for (Tensor& row : rows) row = row.slice(0, 0, columns);
  return image_grid(from_pixels(at::cat(rows)),
                    {.columns = columns,
                     .upscale = comfortable_upscale(rows.front().size(2), rows.front().size(3)),
                     .row_labels = labels,
                     .text_size = 20});
}

std::vector<TrainingArm> chosen_arms(Workbench& bench) {
  const QualityPlan& plan = bench.settings().quality;
  std::vector<TrainingArm> arms = {parse_arm(plan.preset + ":", plan.preset, bench)};
  for (const std::string& text : plan.arms) {
    arms.push_back(parse_arm(text, plan.preset, bench));
    for (std::size_t i = 0; i + 1 < arms.size(); ++i) {
      require(arms[i].name != arms.back().name && arms.back().name != "DCGAN", "--arm: there are two arms called '{}'",
              arms.back().name);
    }
  }
  return arms;
}

// The arm that the judge for tuning likes best; null if all diverged.
const Competitor* best_arm(const std::vector<Competitor>& competitors) {
  const Competitor* best = nullptr;
  for (const Competitor& competitor : competitors) {
    if (competitor.name == "DCGAN" || competitor.seeds.empty()) continue;
    if (best == nullptr || tuning_distance(competitor) < tuning_distance(*best)) best = &competitor;
  }
  return best;
}

constexpr const char* quality_head =
    "| arm | options | steps | distance | of N samples | kernel distance x 1000 | precision | recall | density | "
    "coverage | distance less the preset's, by seed | distance by the tuning judge | sampling: evaluations × cost | "
    "bits/dim |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";

}  // namespace

Outcome quality_per_minute(Workbench& bench) {
  const QualityPlan& plan = bench.settings().quality;
  const std::vector<TrainingArm> arms = chosen_arms(bench);  // refused before hours of work
  Judges judges(bench);
  const std::vector<TriedRate> tried = try_learning_rates(bench, judges, plan.budget, plan.curve_samples);
  std::vector<Competitor> competitors = {
      measured_dcgan(bench, judges, best_learning_rate(tried, bench.settings().gan))};
  for (const TrainingArm& arm : arms) competitors.push_back(measured_arm(bench, judges, arm));
  const Competitor &dcgan = competitors[0], &preset = competitors[1];
  const nlohmann::json real = judges.judge(JudgeRole::reporting, bench.data_name() + ", training images",
                                           images_of(*bench.training_images(), plan.samples));

  Outcome outcome{.verdict = Verdict::not_shown, .found = {}, .table = quality_head};
  LinePlot plot{.title = fmt::format("Quality and processor time ({} seeds, smallest to largest)", plan.seeds),
                .x_axis = {.label = "processor time of training (s)"},
                .y_axis = {.label = "Frechet distance, extrapolated", .scale = AxisScale::logarithmic}};
  for (const Competitor& competitor : competitors) {
    outcome.table += quality_row(competitor, preset);
    outcome.numbers["competitors"][competitor.name] = quality_numbers(competitor);
    if (!competitor.seeds.empty()) plot.series.push_back(quality_curve(competitor));
  }
  outcome.table += fmt::format("| training images | as if they were samples | | {} | | | | |\n", judged_cells({real}));
  outcome.numbers["training images"] = real;
  outcome.numbers["budget_processor_seconds"] = plan.budget;
  for (const TriedRate& rate : tried) {
    outcome.numbers["tried_learning_rates"].push_back(
        {{"learning_rate", rate.learning_rate}, {"frechet_distance", rate.frechet_distance}});
  }

  outcome.found = fmt::format("Each training had {:.4g} s of processor time; {} samples of each of {} seeds.",
                              plan.budget, plan.samples, plan.seeds);
  if (const Competitor* best = best_arm(competitors); best != nullptr && !dcgan.seeds.empty()) {
    const std::vector<double> of_arm = reported_distances(*best), of_gan = reported_distances(dcgan);
    if (spread_of(of_arm).mean < spread_of(of_gan).mean) outcome.verdict = Verdict::shown;
    outcome.found += fmt::format(
        " Of the arms, {} is the best by the judge for tuning; by the other judge, on {}, its Frechet distance "
        "(extrapolated) is {}, the DCGAN's {}.",
        best->name, bench.has_test_images() ? "test images" : "the training images (there are no others)",
        cell(of_arm, 2), cell(of_gan, 2));
    if (outcome.verdict == Verdict::not_shown) outcome.found += " Not shown: that the diffusion model is better.";
  }
  if (!tried.empty()) {
    outcome.found +=
        fmt::format(" The DCGAN's rate is the best of (distance by the judge for tuning): {}.", describe(tried));
  }
  outcome.plots.emplace_back("", std::move(plot));
  outcome.pictures.emplace_back("samples", rows_of_samples(bench, competitors));
  return outcome;
}

}  // namespace iddpm::experiments
