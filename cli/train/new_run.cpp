// A new run: of a preset, or from the weights of a model (--from).

#include "cli/terminal/command_line.h"
#include "cli/train/prepared_run.h"
#include "iddpm/core/error.h"
#include "iddpm/data/relabelled_dataset.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/fine_tuning.h"
#include "iddpm/training/run/replaced_run.h"
#include "iddpm/training/run/run_record.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

fs::path run_folder_of(const TrainArguments& arguments) {
  return arguments.run.empty() ? default_run_folder(arguments.data.path) : arguments.run;
}

bool holds_files(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != RunLock::file_name) return true;
  }
  return false;
}

// Refuses a folder that a new run may not take.
void check_run_folder(const fs::path& folder, bool overwrite) {
  if (!fs::exists(folder)) return;
  require(fs::is_directory(folder), "--run: '{}' is a file; expected a new or empty folder", folder.string());
  if (!holds_files(folder)) return;
  const bool is_run = fs::exists(run_record_path(folder)) || holds_replaced_run(folder);
  require(overwrite || !is_run || has_checkpoint(folder) || holds_replaced_run(folder),
          "--run: '{}' holds a run that ended before its first checkpoint; choose another --run, or replace it with "
          "--overwrite",
          folder.string());
  require(
      overwrite,
      "--run: '{0}' already holds files; go on with 'iddpm train --resume {0}', choose another --run, or replace it "
      "with --overwrite",
      folder.string());
  require(is_run,
          "--overwrite: '{}' holds files but no run (there is no run.json); expected the folder of a run, or a new or "
          "empty one",
          folder.string());
}

// Takes the folder for the run: from here on no other process can.
void take_run_folder(const TrainArguments& arguments, PreparedRun& run) {
  run.folder = run_folder_of(arguments);
  check_run_folder(run.folder, arguments.overwrite);
  std::error_code error;
  fs::create_directories(run.folder, error);
  require(!error, "--run: cannot make the folder '{}': {}", run.folder.string(), error.message());
  run.lock.emplace(run.folder);
  tidy_run_folder(run.folder, run.said);
  check_run_folder(run.folder, arguments.overwrite);  // as it is now that nobody else changes it
  run.replaces = fs::exists(run_record_path(run.folder));
}

void set_image_size(const ModelOptions& asked, DatasetOptions& options) {
  const ImageSize size = asked_image_size(asked);
  options.image_height = size.height;
  options.image_width = size.width;
  options.image_channels = size.channels;
}

std::shared_ptr<const Dataset> open_for_preset(const TrainArguments& arguments, RunRecord& record) {
  set_image_size(arguments.model, record.data_options);
  // Unasked, a model of the data's own size, but no larger than a small machine can train.
  record.data_options.default_largest_side = 64;
  auto dataset = open_dataset(record.data, record.data_options);
  const std::vector<std::int64_t> shape = dataset->image_shape();
  record.data_options.image_channels = shape[0];
  record.data_options.image_height = shape[1];
  record.data_options.image_width = shape[2];
  return dataset;
}

PreparedRun new_run_of_preset(const TrainArguments& arguments, RunRecord record) {
  auto dataset = open_for_preset(arguments, record);
  Preset preset = chosen_preset(arguments.model, dataset.get());
  record.preset = preset.name;
  record.dataset_summary = summary_of(*dataset, record.data);
  preset.training.precision = chosen_precision(arguments.compute);
  apply(arguments.training, preset.training, record.run);
  Trainer trainer(preset.model, preset.training, chosen_device(arguments.compute));
  const RunOptions session = record.run;
  return {.folder = {},
          .lock = {},
          .record = std::move(record),
          .session = session,
          .said = {},
          .dataset = std::move(dataset),
          .trainer = std::move(trainer)};
}

// The classes of a run that goes on from a model: the model's first, then those that only the data have.
std::vector<std::string> fine_tuned_classes(const ModelOptions& options, const ModelSettings& model,
                                            const Dataset& dataset) {
  const bool wanted = options.class_conditional || model.network.classes > 0;
  if (options.unconditional || !wanted) return {};
  require(!dataset.class_names().empty(),
          "--from: the model has classes, but the data have none; --labels says where they are, --unconditional goes "
          "without");
  return extended_classes(model, dataset.class_names());
}

std::string taken_over_sentence(const Checkpoint& checkpoint, const TakenOver& taken, const ModelSettings& settings) {
  std::string text = fmt::format("From {}: {} of {} parameters taken over, optimiser and averages begin anew",
                                 display_path(checkpoint.file().path()), format_count(taken.parameters),
                                 format_count(checkpoint.parameters()));
  if (settings.network.classes > 0) {
    text += fmt::format("; classes by name: {} kept",
                        settings.network.classes - static_cast<std::int64_t>(taken.new_classes.size()));
    if (!taken.new_classes.empty()) text += fmt::format(", new: {}", fmt::join(taken.new_classes, ", "));
  }
  if (!taken.other_classes.empty()) text += fmt::format("; left out: {}", fmt::join(taken.other_classes, ", "));
  return text;
}

PreparedRun new_run_from_model(const TrainArguments& arguments, RunRecord record) {
  std::vector<std::string> said;
  const Checkpoint checkpoint(find_checkpoint(arguments.from, &said));
  for (std::string& sentence : said) sentence = "Skipping a broken checkpoint: " + sentence;
  ModelSettings settings =
      changed_settings(*arguments.verb, arguments.model, checkpoint.info().settings, "", ModelChanges::fine_tuning);
  record.data_options.image_height = settings.network.image_height;
  record.data_options.image_width = settings.network.image_width;
  record.data_options.image_channels = settings.network.image_channels;
  auto dataset = open_dataset(record.data, record.data_options);
  record.preset = fmt::format("from {}", arguments.from.filename().string());
  settings.class_names = fine_tuned_classes(arguments.model, checkpoint.info().settings, *dataset);
  settings.network.classes = static_cast<std::int64_t>(settings.class_names.size());
  const bool class_dropout_asked = arguments.model.network.given("class_dropout");
  if (settings.network.classes == 0 && !class_dropout_asked) settings.network.class_dropout = 0;
  TrainingOptions training = find_preset("small").training;
  training.learning_rate = 1e-4;
  training.precision = chosen_precision(arguments.compute);
  apply(arguments.training, training, record.run);
  TakenOver taken;
  Trainer trainer = fine_tuned(checkpoint, {}, settings, training, chosen_device(arguments.compute), &taken);
  said.push_back(taken_over_sentence(checkpoint, taken, settings));
  if (!settings.class_names.empty()) dataset = relabelled_dataset(std::move(dataset), settings.class_names);
  // As a resumed run will see the data: under the model's classes.
  record.dataset_summary = summary_of(*dataset, record.data);
  const RunOptions session = record.run;
  return {.folder = {},
          .lock = {},
          .record = std::move(record),
          .session = session,
          .said = std::move(said),
          .dataset = std::move(dataset),
          .trainer = std::move(trainer)};
}

}  // namespace

TrainArguments started_again(TrainArguments arguments) {
  if (!arguments.resume.empty()) return arguments;
  const fs::path folder = run_folder_of(arguments);
  std::error_code ignored;
  const bool began = !holds_replaced_run(folder) && fs::exists(run_record_path(folder), ignored);
  if (!began) return arguments;
  require(!arguments.launch.empty() || !arguments.overwrite,
          "--overwrite: whether the run in '{}' is the one to replace or the one that was started again isn't known; "
          "expected no --overwrite under this launcher, or iddpm launch",
          folder.string());
  if (load_run_record(folder).launch != arguments.launch) return arguments;
  if (has_checkpoint(folder)) {
    arguments.resume = folder;
    arguments.run.clear();
    arguments.from.clear();
    arguments.data.path.clear();
    arguments.overwrite = false;
    arguments.restarted = true;
  } else {
    arguments.overwrite = true;
  }
  return arguments;
}

PreparedRun prepare_new_run(const TrainArguments& arguments) {
  require(!arguments.data.path.empty(),
          "train needs --data FOLDER, or --resume RUN to go on with a run. See 'iddpm train --help'.");
  RunRecord record;
  record.data = fs::absolute(arguments.data.path).lexically_normal();
  record.data_options = dataset_options(arguments.data);
  record.run.threads = settle_threads(arguments.compute, record.run);
  record.launch = arguments.launch;
  // Said at once, before the data are read.
  if (!arguments.dry_run && !arguments.overwrite) check_run_folder(run_folder_of(arguments), false);
  PreparedRun run = arguments.from.empty() ? new_run_of_preset(arguments, std::move(record))
                                           : new_run_from_model(arguments, std::move(record));
  if (!arguments.dry_run) take_run_folder(arguments, run);
  return run;
}

}  // namespace iddpm::cli
