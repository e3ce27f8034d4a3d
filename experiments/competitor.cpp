#include "experiments/competitor.h"

#include "experiments/dcgan_runs.h"
#include "experiments/timed_training.h"
#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/io/pixels.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;
using baselines::Dcgan;

/// Draws so many samples of the model at a mark.
using SamplesAtMark = std::function<Tensor(std::size_t mark, std::int64_t count)>;

// The distances on the way from fewer samples than the last: extrapolated, they compare all the same.
void judge_marks(Workbench& bench, Judges& judges, const std::string& source, const SamplesAtMark& samples,
                 Competitor& competitor, SeedResult& result) {
  const QualityPlan& plan = bench.settings().quality;
  const std::size_t last = result.curve_seconds.size() - 1;
  const Tensor final_samples = samples(last, plan.samples);
  result.tuning = judges.judge(JudgeRole::tuning, source, final_samples);
  result.reporting = judges.judge(JudgeRole::reporting, source, final_samples);
  if (!competitor.picture.defined()) competitor.picture = final_samples.slice(0, 0, pictured_samples).clone();
  for (std::size_t k = 0; k < last; ++k) {
    result.curve_distances.push_back(extrapolated_distance(
        judges.judge(JudgeRole::reporting, source + " in training", samples(k, plan.curve_samples))));
  }
  result.curve_distances.push_back(extrapolated_distance(result.reporting));
}

nlohmann::json cost_of(Workbench& bench, const Dcgan& model, const fs::path& file) {
  return bench.measured("sampling_cost_dcgan", {{"file", identity(file)}}, [&] {
    constexpr std::int64_t count = 512;
    const double start = processor_seconds();
    (void)model.sample(count, 0);
    const double seconds = processor_seconds() - start;
    return nlohmann::json{{"evaluations", 1}, {"milliseconds", 1e3 * seconds / static_cast<double>(count)}};
  });
}

SampleRecipe recipe_at(const TrainingArm& arm, const TimedRun& run, std::size_t mark, std::int64_t count,
                       std::uint64_t seed_offset) {
  SampleRecipe recipe = arm.sampling;
  recipe.checkpoint = run.checkpoints[mark];
  recipe.count = count;
  recipe.seed_offset = seed_offset;
  if (arm.guide > 0) recipe.guide = run.checkpoints[static_cast<std::size_t>(arm.guide - 1)];
  // A checkpoint no later than the guide isn't led by it.
  if (static_cast<std::int64_t>(mark) < arm.guide) {
    recipe.guidance = 1;
    recipe.guide.clear();
  }
  return recipe;
}

}  // namespace

std::vector<double> marks_of(const Settings& settings) {
  std::vector<double> marks;
  const std::int64_t count = settings.scale.checkpoints;
  for (std::int64_t k = 1; k <= count; ++k) {
    marks.push_back(settings.quality.budget * static_cast<double>(k) / static_cast<double>(count));
  }
  return marks;
}

Competitor measured_dcgan(Workbench& bench, Judges& judges, double learning_rate) {
  Competitor competitor{
      .name = "DCGAN",
      .options = fmt::format("learning rate {}, average {}", learning_rate, bench.settings().gan.average_rate)};
  try {
    for (std::int64_t k = 0; k < bench.settings().quality.seeds; ++k) {
      const auto options = dcgan_options(bench, learning_rate, static_cast<std::uint64_t>(k));
      const std::vector<fs::path> files = trained_dcgan(bench, options, marks_of(bench.settings()));
      const Dcgan trained = Dcgan::load(files.back());
      SeedResult result{.seconds = trained.processor_seconds(), .steps = trained.steps_done()};
      for (const fs::path& file : files) result.curve_seconds.push_back(Dcgan::load(file).processor_seconds());
      const SamplesAtMark samples = [&](std::size_t mark, std::int64_t count) {
        return to_pixels(Dcgan::load(files[mark]).sample(count, options.seed));
      };
      judge_marks(bench, judges, "samples of the DCGAN", samples, competitor, result);
      if (competitor.cost.is_null()) competitor.cost = cost_of(bench, trained, files.back());
      competitor.seeds.push_back(std::move(result));
    }
  } catch (const NotFiniteError& error) {
    competitor.diverged = error.what();
    competitor.seeds.clear();
  }
  return competitor;
}

Competitor measured_arm(Workbench& bench, Judges& judges, const TrainingArm& arm) {
  Competitor competitor{.name = arm.name, .options = arm.options};
  const auto trained_with = [&](std::uint64_t seed) {
    Preset preset = arm.preset;
    preset.training.seed = bench.settings().seed + seed;
    return trained_for(bench, preset.name, preset, marks_of(bench.settings()));  // arms may sample the same models
  };
  try {
    for (std::int64_t k = 0; k < bench.settings().quality.seeds; ++k) {
      const auto seed = static_cast<std::uint64_t>(k);
      const TimedRun run = trained_with(seed);
      SeedResult result{.seconds = run.seconds.back(), .steps = run.steps.back(), .curve_seconds = run.seconds};
      const SamplesAtMark samples = [&](std::size_t mark, std::int64_t count) {
        return bench.samples(recipe_at(arm, run, mark, count, seed));
      };
      judge_marks(bench, judges, "samples of " + arm.name, samples, competitor, result);
      if (competitor.cost.is_null()) {
        competitor.cost = bench.sampling_cost(
            recipe_at(arm, run, run.checkpoints.size() - 1, bench.settings().quality.samples, seed));
      }
      const nlohmann::json likelihood = bench.likelihood(run.checkpoints.back());
      if (likelihood.at("total").is_number()) result.bits = likelihood.at("total").get<double>();
      competitor.seeds.push_back(std::move(result));
    }
  } catch (const NotFiniteError& error) {
    competitor.diverged = error.what();
    competitor.seeds.clear();
  }
  return competitor;
}

}  // namespace iddpm::experiments
