// iddpm train-classifier: a classifier of noisy images, for guidance.

#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/commands.h"
#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/effect.h"
#include "cli/options/field_options.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/progress_bar.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/data/dataset_summary.h"
#include "iddpm/data/held_out.h"
#include "iddpm/evaluation/likelihood/likelihood.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/training/classifier_accuracy.h"
#include "iddpm/training/classifier_trainer.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct TrainClassifierArguments {
  DataOptions data;
  fs::path model;
  std::optional<std::int64_t> channels;
  std::optional<std::int64_t> blocks;
  std::string pool = "attention";
  FieldOptions training;  ///< of ClassifierTrainingOptions
  std::int64_t save_every = 500;
  ComputeOptions compute;
  fs::path out;
  bool overwrite = false;
  bool json = false;
};

// The half of the model's own network that takes images in, with what was asked otherwise.
ClassifierInfo classifier_like(const ModelSettings& model, const TrainClassifierArguments& arguments) {
  constexpr std::int64_t head_channels = 32;  // divides the channels of every level
  ClassifierInfo info;
  info.options = {.network = model.network, .classes = model.network.classes};
  UNetOptions& network = info.options.network;
  network.dropout = 0;
  network.checkpointing = false;
  network.head_channels = head_channels;
  if (arguments.channels) network.channels = *arguments.channels;
  if (arguments.blocks) network.residual_blocks = *arguments.blocks;
  info.options.pool = parse_classifier_pool(arguments.pool);
  info.diffusion = model.diffusion;
  info.class_names = model.class_names;
  info.source = arguments.data.path.string();
  return info;
}

// The images that it learns from and those that its accuracy is measured on: a test set, or a part held out.
HeldOutSplit parts_of(const CLI::App& verb, const std::shared_ptr<const Dataset>& dataset, const ModelSettings& model,
                      const TrainClassifierArguments& arguments, const ClassifierTrainingOptions& training) {
  const fs::path& data = arguments.data.path;
  DatasetOptions options = dataset_options(arguments.data);
  if (options.split || !has_test_split(data)) return hold_out(dataset, training.held_out, training.seed);
  refuse_idle(verb, {"--held-out"}, fmt::format("where the data have a test set, as '{}' does", data.string()));
  options.split = "test";
  return {.training = dataset, .held_out = open_fitting_dataset(model, data, options)};
}

// "photos-classifier.safetensors" of runs/photos/.
fs::path default_file(const fs::path& model) {
  const fs::path whole = fs::absolute(model).lexically_normal();
  const fs::path last = whole.has_filename() ? whole : whole.parent_path();
  return last.stem().string() + "-classifier.safetensors";
}

// Until it is finished, a training is kept under this name.
fs::path unfinished_path(const fs::path& out) { return out.string() + ".unfinished"; }

// Trains to the end, saving on the way; false if it was interrupted, after saving.
bool train_classifier_watched(ClassifierTrainer& trainer, const std::shared_ptr<const Dataset>& dataset,
                              const nlohmann::json& data, const TrainClassifierArguments& arguments) {
  const std::atomic<bool>& stop = catch_interruption();
  const ClassifierTrainingOptions& options = trainer.options();
  BatchLoader loader(dataset, {.batch = options.batch, .seed = options.seed, .first_example = trainer.examples_seen()});
  const fs::path unfinished = unfinished_path(arguments.out);
  const std::int64_t before = trainer.steps_done();
  const auto start = std::chrono::steady_clock::now();
  ProgressBar bar("Training the classifier");
  double average = 0;
  while (!trainer.is_done() && !stop) {
    const double loss = trainer.step(loader.next());
    const auto steps = static_cast<double>(trainer.steps_done() - before);
    average += std::max(0.02, 1.0 / steps) * (loss - average);
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    bar.update(
        static_cast<double>(trainer.steps_done()) / static_cast<double>(options.steps),
        fmt::format("loss {:.3f}  {:.0f} images/s", average, steps * static_cast<double>(options.batch) / elapsed));
    if (trainer.steps_done() % arguments.save_every == 0) trainer.save(unfinished, data);
  }
  if (trainer.is_done()) return true;
  trainer.save(unfinished, data);
  bar.clear();
  say(fmt::format("Interrupted after step {} of {}; the same command goes on with the rest", trainer.steps_done(),
                  options.steps));
  return false;
}

TrainedClassifier measured(const ClassifierTrainer& trainer, const Dataset& held_out) {
  const TrainedClassifier trained = trainer.classifier();
  std::vector<std::string> skipped;
  WatchedProgress progress("Measuring accuracy");
  const ClassifierAccuracy accuracy =
      measure_accuracy(trained, held_out, trainer.options().seed, skipped, std::ref(progress));
  for (const std::string& name : skipped) say(fmt::format("Skipping a broken image: {}", name));
  ClassifierInfo info = trained.info();
  info.accuracy = accuracy.at_noise_levels;
  info.accuracy_images = accuracy.images;
  return TrainedClassifier(std::move(info), trained.network());
}

void run_train_classifier(const CLI::App& verb, TrainClassifierArguments arguments) {
  require(!arguments.data.path.empty(), "train-classifier needs --data: images with the model's classes");
  require(!arguments.model.empty(), "train-classifier needs --model: the model that it is to guide");
  const Checkpoint checkpoint(find_model(arguments.model));
  const ModelSettings& model = checkpoint.info().settings;
  require(model.network.classes >= 2, "--model: '{}' has {} classes; expected at least 2, to tell apart",
          checkpoint.path().string(), model.network.classes);
  apply_threads(arguments.compute);
  ClassifierTrainingOptions training;
  arguments.training.apply_to(training);
  if (arguments.out.empty()) arguments.out = default_file(arguments.model);
  check_output_file("--out", arguments.out, arguments.overwrite);
  ClassifierTrainer trainer(classifier_like(model, arguments), training, chosen_device(arguments.compute));
  const auto dataset = open_fitting_dataset(model, arguments.data.path, dataset_options(arguments.data));
  const HeldOutSplit parts = parts_of(verb, dataset, model, arguments, training);
  const nlohmann::json data = {{"path", fs::absolute(arguments.data.path).lexically_normal().string()},
                               {"fingerprint", dataset_summary(*dataset, arguments.data.path).fingerprint}};
  const fs::path unfinished = unfinished_path(arguments.out);
  std::error_code error;
  if (fs::exists(unfinished, error) && !arguments.overwrite) {
    try {
      trainer.restore(unfinished, data);
    } catch (const Error& problem) {
      fail(problem.kind(), "--out: {}; choose another name, or begin anew with --overwrite", problem.what());
    }
    say(fmt::format("Going on at step {}", trainer.steps_done()));
  }
  describe_data(*dataset);
  const auto start = std::chrono::steady_clock::now();
  if (!train_classifier_watched(trainer, parts.training, data, arguments)) throw ExitWith{exit_interrupted};
  trainer.save(unfinished, data);  // if measuring is interrupted
  const TrainedClassifier classifier = measured(trainer, *parts.held_out);
  classifier.save(arguments.out);
  fs::remove(unfinished, error);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  nlohmann::json record = describe_json(classifier);
  record.update({{"path", arguments.out.string()}, {"seconds", seconds}});
  print(arguments.json ? printed_json(record) : describe(classifier));
  say(fmt::format("Written in {}: {}\nNext:\n  iddpm sample {} --classifier {}", format_duration(seconds),
                  display_path(arguments.out), display_path(arguments.model), display_path(arguments.out)));
}

}  // namespace

void add_train_classifier(CLI::App& app) {
  auto arguments = std::make_shared<TrainClassifierArguments>();
  CLI::App* verb =
      app.add_subcommand("train-classifier", "Train a classifier of noisy images, which guides samples of a model");
  verb->footer(
      "Examples:\n"
      "  iddpm train-classifier --data photos/ --model runs/photos --out photos-classifier.safetensors\n"
      "      learns to tell the model's classes in its noisy images, and says how often it is right at which noise\n"
      "  iddpm sample runs/photos --classifier photos-classifier.safetensors --classifier-scale 2\n"
      "      and is used like this\n"
      "Its network is the first half of the model's own. Ctrl-C saves and stops; the same command goes on. Without a\n"
      "test set, accuracy is measured on images held out (--held-out).");
  add_data_options(*verb, arguments->data);
  verb->add_option("--model", arguments->model,
                   "The model to guide (run folder or checkpoint): its process, image size and classes")
      ->type_name("MODEL");
  verb->add_option("--channels", arguments->channels, "Channels of the first level, a multiple of 32 (the model's)")
      ->check(between(std::int64_t{32}, std::int64_t{8192}));
  verb->add_option("--blocks", arguments->blocks, "Residual blocks per level (the model's)")
      ->check(between(std::int64_t{1}, std::int64_t{64}));
  verb->add_option("--pool", arguments->pool,
                   "How the network ends: attention, adaptive (a mean), spatial or spatial_v2 (attention)")
      ->check(one_of({"attention", "adaptive", "spatial", "spatial_v2"}));
  arguments->training.add_to<ClassifierTrainingOptions>(*verb, "Training");
  verb->add_option("--save-every", arguments->save_every,
                   "Steps between savings, from which the same command goes on (500)")
      ->check(at_least(std::int64_t{1}))
      ->group("Training");
  verb->add_option("--out", arguments->out, "File to write (default: MODEL-classifier.safetensors)");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that exists, and begin anew");
  verb->add_flag("--json", arguments->json, "Print what was done as JSON");
  add_device_options(*verb, arguments->compute);
  verb->callback([verb, arguments] { run_train_classifier(*verb, *arguments); });
}

}  // namespace iddpm::cli
