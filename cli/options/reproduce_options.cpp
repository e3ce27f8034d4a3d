#include "cli/options/reproduce_options.h"

#include <CLI/CLI.hpp>

#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/training/presets.h"

namespace iddpm::cli {
namespace {

using experiments::Scale;
using experiments::Settings;

constexpr const char* scale_group = "Scale (overrides --scale)";
constexpr const char* time_group = "Equal processor time (quality-per-minute)";

void add_equal_time_options(CLI::App& verb, Settings& settings) {
  experiments::QualityPlan& plan = settings.quality;
  const auto option = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(time_group);
  };
  option("--budget", plan.budget, "Seconds of processor time of each training, all threads and reading included (600)")
      ->check(between(1e-3, 1e9));
  option("--seeds", plan.seeds, "Seeds that each is trained with, the same for all (3)")
      ->check(between(std::int64_t{1}, std::int64_t{100}));
  option("--final-samples", plan.samples, "Drawn of each trained model (5000)")
      ->check(between(std::int64_t{2}, std::int64_t{1} << 40));
  option("--curve-samples", plan.curve_samples, "Drawn of each model in training (1000)")
      ->check(between(std::int64_t{2}, std::int64_t{1} << 40));
  option("--preset", plan.preset, "That is compared as it is, and that arms change (fashion-mnist)")
      ->check(one_of(preset_names()));
  option("--arm", plan.arms,
         "'NAME: OPTIONS', another recipe: the preset with options of 'iddpm train', and --sampler, --sample-steps, "
         "--guidance, --guide MARK; may be given again")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  option("--gan-learning-rates", settings.gan.learning_rates,
         "gan too: the GAN's (0.0002); of several the best by the judge for tuning, each tried for the whole time")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->check(between(1e-7, 1.0));
  option("--gan-average", settings.gan.average_rate, "gan too: rate of the average of the generator's weights (0.995)")
      ->check(between(0.0, 0.999999));
}

CLI::Validator positive() { return between(std::int64_t{1}, std::int64_t{1} << 40); }

}  // namespace

void add_reproduce_options(CLI::App& verb, ReproduceOptions& options) {
  Settings& settings = options.settings;
  Scale& scale = settings.scale;
  add_data_options(verb, options.data);
  verb.add_option("--image-size", options.image_size, "Size of the images in pixels (default: the data's own)")
      ->check(between(std::int64_t{4}, std::int64_t{512}))
      ->group("Data");
  verb.add_option("--features", settings.features,
                  "Feature network to judge samples by: converted Inception weights, or a file of 'iddpm "
                  "train-features' (default: a classifier trained on the data)");
  // Before the options that override it: CLI11 carries options out in this order.
  verb.add_option_function<std::string>(
          "--scale",
          [&scale](const std::string& name) { scale = name == "full" ? experiments::full_scale() : Scale{}; },
          "small: minutes on two cores; full: the paper's CIFAR-10 runs (small)")
      ->check(one_of({"small", "full"}));
  verb.add_option("--model", settings.model,
                  "samplers: run or model file to compare them on (default: a model trained for it)");
  verb.add_option("--work", settings.work,
                  "Folder for models, samples and measurements; what is in it isn't done again (default: "
                  "runs/reproduce/<name of the data>)");
  verb.add_option("--out", settings.out, "Folder for figures and numbers, one folder per data set (reproduced)");
  verb.add_option("--page", settings.page, "Page with the table of findings (default: OUT/results.md)");
  verb.add_option("--seed", settings.seed, "Of the models and samples (0)");
  const auto number = [&](const char* name, auto& value, const char* help) {
    verb.add_option(name, value, help)->check(positive())->group(scale_group);
  };
  number("--diffusion-steps", scale.diffusion_steps, "T");
  number("--channels", scale.channels, "Channels of the network's first level");
  number("--blocks", scale.residual_blocks, "Residual blocks per level");
  verb.add_option("--multipliers", scale.channel_multipliers, "Channel multiplier of each level: 1,2,2")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(scale_group);
  number("--training-steps", scale.training_steps, "Of each model");
  number("--batch", scale.batch, "Images per training step");
  number("--checkpoints", scale.checkpoints, "Kept of each run, evenly spaced");
  number("--samples", scale.samples, "Drawn for each figure of quality");
  number("--step-samples", scale.step_samples,
         "For each number of steps of sampling-steps and samplers, and each checkpoint of predictions");
  number("--most-evaluations", scale.most_evaluations, "Of the network that samplers are compared at");
  number("--reference-images", scale.reference_images, "That they are compared with");
  number("--sampling-steps", scale.sampling_steps, "Where a finding doesn't vary them");
  number("--likelihood-images", scale.likelihood_images, "For bits per dimension");
  number("--feature-steps", scale.feature_steps, "Training of the feature classifier");
  number("--noise-batches", scale.noise_batches, "Batches of gradients for the noise scale");
  add_equal_time_options(verb, settings);
  add_compute_options(verb, options.compute);
}

std::vector<std::string> quality_option_names() {
  return {"--budget", "--seeds", "--final-samples", "--curve-samples", "--preset", "--arm"};
}
std::vector<std::string> gan_option_names() { return {"--gan-learning-rates", "--gan-average"}; }

Settings settings_of(const ReproduceOptions& options) {
  require(!options.data.path.empty(), "reproduce needs --data: the images to train on. See 'iddpm reproduce --help'.");
  Settings settings = options.settings;
  settings.data = options.data.path;
  settings.data_options = dataset_options(options.data);
  if (options.image_size > 0) {
    settings.data_options.image_height = settings.data_options.image_width = options.image_size;
  }
  settings.device = chosen_device(options.compute);
  settings.precision = chosen_precision(options.compute);
  return settings;
}

namespace {

std::string equal_time_options(const Settings& settings) {
  const experiments::QualityPlan &plan = settings.quality, usual;
  const experiments::GanPlan &gan = settings.gan, usual_gan;
  std::string text;
  if (plan.budget != usual.budget) text += fmt::format(" --budget {}", plan.budget);
  if (plan.seeds != usual.seeds) text += fmt::format(" --seeds {}", plan.seeds);
  if (plan.samples != usual.samples) text += fmt::format(" --final-samples {}", plan.samples);
  if (plan.curve_samples != usual.curve_samples) text += fmt::format(" --curve-samples {}", plan.curve_samples);
  if (plan.preset != usual.preset) text += fmt::format(" --preset {}", plan.preset);
  for (const std::string& arm : plan.arms) text += fmt::format(" --arm '{}'", arm);
  if (gan.learning_rates != usual_gan.learning_rates) {
    text += fmt::format(" --gan-learning-rates {}", fmt::join(gan.learning_rates, ","));
  }
  if (gan.average_rate != usual_gan.average_rate) text += fmt::format(" --gan-average {}", gan.average_rate);
  return text;
}

}  // namespace

std::string command_options(const Settings& settings) {
  const Scale& scale = settings.scale;
  const Scale small;
  std::string text = fmt::format(" --data {}", settings.data.filename().string());
  if (!settings.model.empty()) text += fmt::format(" --model {}", settings.model.filename().string());
  const auto add = [&](const char* name, std::int64_t value, std::int64_t usual) {
    if (value != usual) text += fmt::format(" --{} {}", name, value);
  };
  add("image-size", settings.data_options.image_height.value_or(0), 0);
  add("diffusion-steps", scale.diffusion_steps, small.diffusion_steps);
  add("channels", scale.channels, small.channels);
  add("blocks", scale.residual_blocks, small.residual_blocks);
  if (scale.channel_multipliers != small.channel_multipliers) {
    text += fmt::format(" --multipliers {}", fmt::join(scale.channel_multipliers, ","));
  }
  add("training-steps", scale.training_steps, small.training_steps);
  add("batch", scale.batch, small.batch);
  add("checkpoints", scale.checkpoints, small.checkpoints);
  add("samples", scale.samples, small.samples);
  add("step-samples", scale.step_samples, small.step_samples);
  add("most-evaluations", scale.most_evaluations, small.most_evaluations);
  add("reference-images", scale.reference_images, small.reference_images);
  add("sampling-steps", scale.sampling_steps, small.sampling_steps);
  add("likelihood-images", scale.likelihood_images, small.likelihood_images);
  add("feature-steps", scale.feature_steps, small.feature_steps);
  add("noise-batches", scale.noise_batches, small.noise_batches);
  text += equal_time_options(settings);
  if (settings.seed != 0) text += fmt::format(" --seed {}", settings.seed);
  return text;
}

}  // namespace iddpm::cli
