// Not of the paper: what the network predicts, and how its error is weighted, decides how bright the samples of a short
// training are.

#include <limits>
#include <optional>

#include "experiments/finding.h"
#include "iddpm/core/error.h"
#include "iddpm/core/formats.h"
#include "iddpm/data/pixel_statistics.h"
#include "iddpm/io/pixels.h"
#include "iddpm/report/image_grid.h"

namespace iddpm::experiments {
namespace {

constexpr std::int64_t pictured_images = 10;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A prediction with its weight, and what came of it.
struct Arm {
  Mean mean;
  LossWeight weight;
  std::string label = fmt::format("{}, weight {}", name(mean), name(weight));
  TrainedModel model = {};
  std::string diverged = {};             ///< why there is no model
  std::vector<double> mean_pixels = {};  ///< at each of the model's checkpoints; not a number if samples aren't finite
  Tensor samples = {};                   ///< of the last; undefined if not finite
  double off_by = std::numeric_limits<double>::infinity();  ///< brightness_difference to the training images
  double distance = not_a_number;
  nlohmann::json likelihood = {};
};

ModelRecipe recipe_of(const Arm& arm) {
  // The trainer refuses to learn a variance beside x_0: the upper bound, as for L_simple.
  ModelRecipe recipe = model_recipe("cosine", arm.mean == Mean::x_0 ? Objective::simple : Objective::hybrid);
  recipe.mean = arm.mean;
  recipe.weighting.weight = arm.weight;
  // The name says what differs from the models that other findings share.
  if (arm.mean != Mean::epsilon) recipe.name += "_" + name(arm.mean);
  if (arm.weight != LossWeight::prediction) recipe.name += "_" + name(arm.weight);
  return recipe;
}

PixelStatistics statistics_of(const Tensor& pixels) {
  PixelStatistics statistics;
  add(statistics, pixels);
  return statistics;
}

double average(const PixelStatistics& statistics, double (ChannelStatistics::*value)() const) {
  double sum = 0;
  for (const ChannelStatistics& channel : statistics.channels) sum += (channel.*value)();
  return sum / static_cast<double>(statistics.channels.size());
}

nlohmann::json numbers_of(const PixelStatistics& statistics) {
  return {{"mean_pixel", average(statistics, &ChannelStatistics::mean)},
          {"black_share", average(statistics, &ChannelStatistics::black_share)},
          {"white_share", average(statistics, &ChannelStatistics::white_share)},
          {"pixels", statistics}};
}

std::string cells_of(const PixelStatistics& statistics) {
  return fmt::format("{:.1f} | {:.1f} % | {:.1f} %", average(statistics, &ChannelStatistics::mean),
                     100 * average(statistics, &ChannelStatistics::black_share),
                     100 * average(statistics, &ChannelStatistics::white_share));
}

/// Undefined if they aren't finite.
Tensor samples_of(Workbench& bench, const std::filesystem::path& checkpoint, std::int64_t count) {
  try {
    return bench.samples(
        {.checkpoint = checkpoint, .count = count, .steps = fmt::format("{}", bench.scale().sampling_steps)});
  } catch (const NotFiniteError&) {
    return {};
  }
}

void look_at(Workbench& bench, Arm& arm, const PixelStatistics& data) {
  try {
    arm.model = bench.model(recipe_of(arm));
  } catch (const NotFiniteError& error) {
    arm.diverged = error.what();
    return;
  }
  for (const auto& checkpoint : arm.model.checkpoints) {
    const bool last = checkpoint == arm.model.last();
    arm.samples = samples_of(bench, checkpoint, last ? bench.scale().samples : bench.scale().step_samples);
    arm.mean_pixels.push_back(arm.samples.defined() ? average(statistics_of(arm.samples), &ChannelStatistics::mean)
                                                    : not_a_number);
  }
  arm.likelihood = bench.likelihood(arm.model.last());
  if (!arm.samples.defined()) return;
  arm.off_by = brightness_difference(statistics_of(arm.samples), data);
  arm.distance =
      bench.judge(fmt::format("samples of {}_{}", arm.model.name, arm.model.last().stem().string()), arm.samples)
          .at("frechet_distance")
          .get<double>();
}

nlohmann::json numbers_of(const Arm& arm) {
  if (!arm.diverged.empty()) return {{"finite", false}, {"diverged", arm.diverged}};
  nlohmann::json numbers = {{"step", arm.model.steps},
                            {"mean_pixel_at_step", arm.mean_pixels},
                            {"processor_seconds_of_training", arm.model.seconds},
                            {"bits_per_dimension", arm.likelihood.at("total")},
                            {"standard_error", arm.likelihood.at("standard_error")},
                            {"finite", arm.samples.defined()}};
  if (!arm.samples.defined()) return numbers;
  numbers.update(numbers_of(statistics_of(arm.samples)));
  numbers["off_by"] = arm.off_by;
  numbers["frechet_distance"] = arm.distance;
  return numbers;
}

std::string table_row(const Arm& arm) {
  const ModelRecipe recipe = recipe_of(arm);
  std::string row = fmt::format("| {} | {} | {}, {} |", name(arm.mean), name(arm.weight), name(recipe.objective),
                                name(recipe.variance));
  if (!arm.diverged.empty()) return row + " training diverged | | | | | | |\n";
  if (arm.samples.defined()) {
    row +=
        fmt::format(" {} | {:.1f} % | {:.2f} |", cells_of(statistics_of(arm.samples)), 100 * arm.off_by, arm.distance);
  } else {
    row += " not finite | | | | |";
  }
  // The bound of a broken model is no number: null in JSON.
  const nlohmann::json& bits = arm.likelihood.at("total");
  row += bits.is_number()
             ? fmt::format(" {:.3f} ± {:.3f} |", bits.get<double>(), arm.likelihood.at("standard_error").get<double>())
             : " not finite |";
  return row + fmt::format(" {} |\n", format_duration(arm.model.seconds));
}

/// A row of training images, then one of each prediction's samples, from the same noise.
Image side_by_side(const Tensor& training_images, const std::vector<Arm>& arms) {
  std::int64_t columns = std::min(pictured_images, training_images.size(0));
  for (const Arm& arm : arms) {
    if (arm.samples.defined()) columns = std::min(columns, arm.samples.size(0));
  }
  std::vector<Tensor> rows = {training_images.slice(0, 0, columns)};
  std::vector<std::string> labels = {"training images"};
  for (const Arm& arm : arms) {
    if (!arm.samples.defined()) continue;
    rows.push_back(arm.samples.slice(0, 0, columns));
    labels.push_back(arm.label);
  }
  return image_grid(from_pixels(at::cat(rows)),
                    {.columns = columns,
                     .upscale = comfortable_upscale(training_images.size(2), training_images.size(3)),
                     .row_labels = labels,
                     .text_size = 20});
}

std::string sentences(const std::vector<Arm>& arms, double data_mean, std::int64_t steps) {
  std::string brightness;
  for (const Arm& arm : arms) {
    const char* comma = brightness.empty() ? "" : "; ";
    if (!arm.samples.defined()) {
      brightness +=
          fmt::format("{}{}: {}", comma, arm.label, arm.diverged.empty() ? "not finite" : "training diverged");
      continue;
    }
    brightness += fmt::format("{}{}: {:.1f} ({:.1f} %)", comma, arm.label, arm.mean_pixels.back(), 100 * arm.off_by);
  }
  return fmt::format(
      "Mean pixel of the samples after {} steps, where the training images have {:.1f} (in brackets the largest "
      "difference of a channel, in per cent of a pixel's range): {}. x_0 is trained with the fixed variance beta, "
      "since a learned one runs off beside it, so its bits/dim don't compare with the others'.",
      steps, data_mean, brightness);
}

}  // namespace

Outcome predictions(Workbench& bench) {
  std::vector<Arm> arms = {{Mean::epsilon, LossWeight::prediction}, {Mean::velocity, LossWeight::prediction},
                           {Mean::velocity, LossWeight::simple},    {Mean::velocity, LossWeight::min_snr},
                           {Mean::x_0, LossWeight::prediction},     {Mean::x_0, LossWeight::min_snr}};
  const Arm &epsilon = arms[0], &v = arms[2];  // v with the weight that the presets for small machines have
  const PixelStatistics data = statistics_of(images_of(*bench.training_images(), bench.scale().reference_images));
  const double data_mean = average(data, &ChannelStatistics::mean);
  const nlohmann::json real = bench.judge_real_images(bench.scale().samples);

  Outcome outcome;
  LinePlot plot{.title = "Brightness of samples as training goes on",
                .x_axis = {.label = "training step"},
                .y_axis = {.label = "mean pixel (0 to 255)"},
                .reference_lines = {{.y = data_mean, .label = "training images"}}};
  outcome.table =
      "| predicted | weight | objective, variance | mean pixel | black | white | off by | Frechet distance | bits/dim "
      "| training |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (Arm& arm : arms) {
    look_at(bench, arm, data);
    if (arm.diverged.empty()) {
      plot.series.push_back({.name = arm.label,
                             .x = {arm.model.steps.begin(), arm.model.steps.end()},
                             .y = arm.mean_pixels,
                             .style = SeriesStyle::line_and_markers});
    }
    outcome.table += table_row(arm);
    outcome.numbers["predictions"][arm.label] = numbers_of(arm);
  }
  const double real_distance = real.at("frechet_distance").get<double>();
  outcome.table +=
      fmt::format("| training images{} | | | {} | | {:.2f} | | |\n",
                  bench.has_test_images() ? " (distance: test images)" : "", cells_of(data), real_distance);
  outcome.numbers["training images"] = numbers_of(data);
  outcome.numbers["training images"]["frechet_distance"] = real_distance;

  outcome.found = sentences(arms, data_mean, bench.scale().training_steps);
  const bool v_is_right = v.off_by <= largest_brightness_difference;
  const bool epsilon_is_right = epsilon.off_by <= largest_brightness_difference;
  outcome.verdict = !v_is_right ? Verdict::not_shown : epsilon_is_right ? Verdict::partly : Verdict::shown;
  if (!v_is_right) outcome.found += " Not shown: that v has the brightness of the data.";
  if (epsilon_is_right) outcome.found += " Not shown: that epsilon misses it.";
  outcome.plots.emplace_back("", std::move(plot));
  outcome.pictures.emplace_back("samples", side_by_side(images_of(*bench.training_images(), pictured_images), arms));
  return outcome;
}

}  // namespace iddpm::experiments
