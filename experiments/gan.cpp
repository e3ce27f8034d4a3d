// Table 4 in small: precision and recall against a GAN that had the same data and the same time.

#include "experiments/dcgan_runs.h"
#include "experiments/finding.h"
#include "iddpm/io/pixels.h"
#include "iddpm/report/image_grid.h"

namespace iddpm::experiments {
namespace {

using baselines::Dcgan;

Image grid_of(const Tensor& pixels) {
  const Tensor first = pixels.slice(0, 0, std::min<std::int64_t>(64, pixels.size(0)));
  return image_grid(from_pixels(first),
                    {.upscale = std::max<std::int64_t>(1, comfortable_upscale(first.size(2), first.size(3)) / 2)});
}

}  // namespace

Outcome gan(Workbench& bench) {
  const TrainedModel diffusion = bench.model(model_recipe("cosine", Objective::hybrid));
  const std::int64_t count = 2 * bench.scale().samples;
  Judges judges(bench);
  const std::vector<TriedRate> tried = try_learning_rates(bench, judges, diffusion.seconds, count);
  const double rate = best_learning_rate(tried, bench.settings().gan);
  const Dcgan baseline = Dcgan::load(trained_dcgan(bench, dcgan_options(bench, rate), {diffusion.seconds}).back());
  const Tensor gan_images = to_pixels(baseline.sample(count, bench.settings().seed));
  const SampleRecipe recipe{
      .checkpoint = diffusion.last(), .count = count, .steps = fmt::format("{}", bench.scale().sampling_steps)};
  const Tensor diffusion_images = bench.samples(recipe);

  Outcome outcome;
  LinePlot plot{.title = "Precision and recall (k = 3 and 5)",
                .x_axis = {.label = "recall", .minimum = 0, .maximum = 1},
                .y_axis = {.label = "precision", .minimum = 0, .maximum = 1}};
  std::map<std::string, nlohmann::json> quality;
  // As many real images as samples: with more, the samples' balls are the wider ones and recall is near 1 for all.
  quality["diffusion"] = bench.judge(recipe, count);
  quality["DCGAN"] = bench.judge("samples of the DCGAN", gan_images, count);
  quality["test images"] = bench.judge_real_images(count, count);
  const auto at_k = [&](const std::string& name, const char* what) {
    return quality[name].at("neighbours").back().at(what).get<double>();
  };
  std::string text;
  for (const char* name : {"diffusion", "DCGAN", "test images"}) {
    PlotSeries series{.name = name, .style = SeriesStyle::line_and_markers};
    for (const auto& neighbours : quality[name].at("neighbours")) {
      series.x.push_back(neighbours.at("recall").get<double>());
      series.y.push_back(neighbours.at("precision").get<double>());
    }
    plot.series.push_back(std::move(series));
    outcome.numbers[name] = quality[name];
    text +=
        fmt::format("{}{} {:.1f} / {:.2f} / {:.2f}", text.empty() ? "" : ", ", name,
                    quality[name].at("frechet_distance").get<double>(), at_k(name, "precision"), at_k(name, "recall"));
  }
  outcome.numbers["dcgan_learning_rate"] = rate;
  outcome.numbers["dcgan_steps"] = baseline.steps_done();
  outcome.numbers["dcgan_generator_parameters"] = baseline.generator_parameters();
  outcome.numbers["budget_processor_seconds"] = diffusion.seconds;
  outcome.found =
      fmt::format("Frechet distance / precision / recall (k = {}): {}; each had {:.0f} s of processor time.",
                  quality["diffusion"].at("neighbours").back().at("k").get<int>(), text, diffusion.seconds);
  const bool recall = at_k("diffusion", "recall") > at_k("DCGAN", "recall");
  const bool precision = at_k("diffusion", "precision") < at_k("DCGAN", "precision");
  outcome.verdict = recall && precision ? Verdict::shown : recall || precision ? Verdict::partly : Verdict::not_shown;
  if (!recall) outcome.found += " Not shown: the diffusion model's higher recall.";
  if (!precision) {
    outcome.found += " Not shown: the GAN's higher precision (this one is a small DCGAN, not BigGAN-deep).";
  }
  if (quality["DCGAN"].at("frechet_distance") < quality["diffusion"].at("frechet_distance")) {
    outcome.found += " With this little time the GAN's distance is the smaller: diffusion models learn more slowly.";
  }
  if (!tried.empty()) {
    outcome.found += fmt::format(" The DCGAN's rate is the best of (distance by another judge): {}.", describe(tried));
  }
  outcome.plots.emplace_back("", std::move(plot));
  outcome.pictures.emplace_back("dcgan_samples", grid_of(gan_images));
  outcome.pictures.emplace_back("diffusion_samples", grid_of(diffusion_images));
  return outcome;
}

}  // namespace iddpm::experiments
