// iddpm train-features: a feature space of the data's own.

#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/commands.h"
#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/effect.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/features/feature_classifier_training.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct TrainFeaturesArguments {
  DataOptions data;
  ModelOptions size;
  ComputeOptions compute;
  FeatureTrainingOptions training;
  std::string name;
  fs::path out;
  bool overwrite = false;
  bool json = false;
};

DatasetOptions fitted_options(const TrainFeaturesArguments& arguments) {
  DatasetOptions options = dataset_options(arguments.data);
  if (arguments.size.image_size) {
    const ImageSize size = asked_image_size(arguments.size);
    options.image_height = size.height;
    options.image_width = size.width;
  }
  options.image_channels = arguments.size.image_channels;
  return options;
}

// The last part of the path that says something: "photos" of "photos/".
std::string name_of_data(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  const fs::path last = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return fs::is_directory(path) ? last.string() : last.stem().string();
}

nlohmann::json record_of(const FeatureClassifier& classifier, const fs::path& out, double seconds) {
  const FeatureClassifierRecord& record = classifier.record();
  const FeatureSpace space = classifier.space();
  return {{"file", out.string()},
          {"network", space.network},
          {"sha256", space.sha256},
          {"dimensions", space.dimensions},
          {"classes", classifier.options().classes},
          {"steps", record.steps},
          {"seed", record.seed},
          {"accuracy", record.accuracy},
          {"accuracy_images", record.accuracy_images},
          {"accuracy_of", record.test_set ? "test set" : "held-out images"},
          {"seconds", seconds}};
}

void run_train_features(const CLI::App& verb, TrainFeaturesArguments arguments) {
  const fs::path& data = arguments.data.path;
  require(!arguments.data.path.empty(), "train-features needs --data: images with classes to learn from");
  apply_threads(arguments.compute);
  arguments.training.device = chosen_device(arguments.compute);
  if (arguments.name.empty()) arguments.name = name_of_data(arguments.data.path);
  fs::path out = arguments.out;
  if (out.empty()) out = arguments.name + "-features.safetensors";
  check_output_file("--out", out, arguments.overwrite);

  const DatasetOptions options = fitted_options(arguments);
  const auto dataset = open_dataset(arguments.data.path, options);
  describe_data(*dataset);
  std::shared_ptr<const Dataset> test;
  if (!options.split && has_test_split(arguments.data.path)) {
    refuse_idle(verb, {"--held-out"}, fmt::format("where the data have a test set, as '{}' does", data.string()));
    DatasetOptions test_options = options;
    test_options.split = "test";
    test_options.class_names = dataset->class_names();
    // As the training images are, where the size was left to the data.
    const std::vector<std::int64_t> shape = dataset->image_shape();
    test_options.image_channels = shape[0];
    test_options.image_height = shape[1];
    test_options.image_width = shape[2];
    test = open_dataset(arguments.data.path, test_options);
  }

  const std::atomic<bool>& stop = catch_interruption();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  ProgressBar bar("Training features");
  const FeatureClassifier classifier = train_feature_classifier(
      *dataset, test.get(), arguments.training, arguments.name, [&](const FeatureTrainingProgress& progress) {
        const double images = static_cast<double>(progress.step * arguments.training.batch);
        bar.update(static_cast<double>(progress.step) / static_cast<double>(progress.steps),
                   fmt::format("loss {:.3f}  {:.0f} images/s", progress.loss, images / elapsed()));
        return !stop;
      });
  bar.clear();
  if (stop) throw ExitWith{exit_interrupted};
  std::optional<Error> obstacle;
  try {
    classifier.save(out);
  } catch (const Error& error) {
    obstacle = error;  // thrown once what was found is told
  }
  print(arguments.json ? printed_json(record_of(classifier, out, elapsed())) : describe(classifier));
  if (obstacle) throw *obstacle;
  say(fmt::format("Written in {}: {}", format_duration(elapsed()), display_path(out)));
}

}  // namespace

void add_train_features(CLI::App& app) {
  auto arguments = std::make_shared<TrainFeaturesArguments>();
  FeatureTrainingOptions& training = arguments->training;
  CLI::App* verb = app.add_subcommand("train-features", "Train the small classifier whose features judge samples");
  verb->footer(
      "Examples:\n"
      "  iddpm train-features --data fashion-mnist/ --out features.safetensors\n"
      "      learns the classes of the training images and says how many test images it names right\n"
      "  iddpm evaluate samples.npz --reference fashion-mnist/ --features features.safetensors\n"
      "      and is used like this. Scores in its features are not FID.\n"
      "Without a test set, accuracy is measured on images held out (--held-out).");
  add_data_options(*verb, arguments->data);
  verb->add_option("--image-size", arguments->size.image_size, "SIZE or HEIGHTxWIDTH in pixels (default: the data's)")
      ->check(understood_by(check_image_size));
  verb->add_option("--image-channels", arguments->size.image_channels, "1 grey, 3 RGB, 4 RGBA (default: the data's)")
      ->check(one_of({"1", "3", "4"}));
  verb->add_option("--channels", training.channels, "A quarter of the number of features (32)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 16));
  verb->add_option("--steps", training.steps, "Training steps (1500)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  verb->add_option("--batch", training.batch, "Images a step (64)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--learning-rate", training.learning_rate, "The largest; it rises and falls (0.003)")
      ->check(between(0.0, 10.0));
  verb->add_option("--held-out", training.held_out,
                   "Share of images kept to measure accuracy, without a test set (0.1)")
      ->check(between(0.001, 0.9));
  verb->add_option("--seed", training.seed, "Another network (0)");
  verb->add_option("--name", arguments->name, "What to call the data in results (default: the data's own name)");
  verb->add_option("--out", arguments->out, "File to write (default: NAME-features.safetensors)");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that exists");
  verb->add_flag("--json", arguments->json, "Print what was done as JSON");
  add_device_options(*verb, arguments->compute);
  verb->callback([verb, arguments] { run_train_features(*verb, *arguments); });
}

}  // namespace iddpm::cli
