// Table 4 in small: precision and recall against a GAN that had the same data and the same time.

#include <ctime>

#include "experiments/baselines/dcgan/dcgan.h"
#include "experiments/finding.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pixels.h"
#include "iddpm/report/image_grid.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;
using baselines::Dcgan;

constexpr std::int64_t gan_batch = 64;
constexpr std::int64_t steps_between_saves = 100;

// Trains the baseline until it has had so many seconds of processor time; goes on where an earlier call was stopped.
Dcgan trained_gan(Workbench& bench, double budget) {
  const fs::path folder = bench.folder("dcgan");
  const fs::path file = folder / "dcgan.safetensors", times = folder / "processor_seconds.json";
  const auto shape = bench.training_images()->image_shape();
  const bool exists = fs::exists(file) && fs::exists(times);
  Dcgan model = exists ? Dcgan::load(file)
                       : Dcgan({.image_height = shape[1],
                                .image_width = shape[2],
                                .image_channels = shape[0],
                                .seed = bench.settings().seed});
  double spent = 0;
  if (exists) {
    const auto seconds = json_value<double>(parse_json(read_file(times), times.string()));
    require(seconds.has_value(), "'{}': expected a number of seconds", times.string());
    spent = *seconds;
  }
  BatchLoader loader(
      bench.training_images(),
      {.batch = gan_batch, .seed = bench.settings().seed, .first_example = model.steps_done() * gan_batch});
  while (spent < budget) {
    const std::clock_t start = std::clock();
    for (std::int64_t i = 0; i < steps_between_saves; ++i) model.step(loader.next().x_0);
    spent += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    model.save(file);
    write_file_atomically(times, nlohmann::json(spent).dump() + "\n");
    bench.tell("Training the GAN", std::min(spent / budget, 1.0), fmt::format("step {}", model.steps_done()));
  }
  bench.count(spent);
  return model;
}

Image grid_of(const Tensor& pixels) {
  const Tensor first = pixels.slice(0, 0, std::min<std::int64_t>(64, pixels.size(0)));
  return image_grid(from_pixels(first),
                    {.upscale = std::max<std::int64_t>(1, comfortable_upscale(first.size(2), first.size(3)) / 2)});
}

}  // namespace

Outcome gan(Workbench& bench) {
  const TrainedModel diffusion = bench.model(model_recipe("cosine", Objective::hybrid));
  const Dcgan baseline = trained_gan(bench, diffusion.seconds);
  const std::int64_t count = 2 * bench.scale().samples;
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
  outcome.plots.emplace_back("", std::move(plot));
  outcome.pictures.emplace_back("dcgan_samples", grid_of(gan_images));
  outcome.pictures.emplace_back("diffusion_samples", grid_of(diffusion_images));
  return outcome;
}

}  // namespace iddpm::experiments
