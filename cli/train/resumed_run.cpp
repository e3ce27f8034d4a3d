// A run that goes on (docs/resuming.md).

#include "cli/options/resumed_training.h"
#include "cli/terminal/command_line.h"
#include "cli/train/prepared_run.h"
#include "iddpm/core/error.h"
#include "iddpm/data/dataset_summary.h"
#include "iddpm/data/relabelled_dataset.h"
#include "iddpm/training/fine_tuning.h"
#include "iddpm/training/run/metrics_log.h"
#include "iddpm/training/run/replaced_run.h"
#include "iddpm/training/run/run_record.h"
#include "iddpm/training/training_state.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

void check_arguments(const TrainArguments& arguments) {
  require(arguments.run.empty(), "--resume goes on in the run's own folder; leave out --run {}",
          arguments.run.string());
  require(!arguments.overwrite, "--overwrite replaces a run, --resume goes on with one; leave out one of them");
  require(arguments.from.empty(), "--from begins a new run, --resume goes on with one; leave out one of them");
  require(fs::is_directory(arguments.resume), "--resume: '{}' is not a run folder", arguments.resume.string());
  if (!arguments.data.path.empty() || arguments.restarted) return;
  for (const char* option : {"--labels", "--csv", "--split", "--background"}) {
    require(!arguments.given(option), "{} goes with --data: a run's own data are read as they were at its beginning",
            option);
  }
}

// Other data, or the same in another place: read as the run's were, but for what was asked, at the model's size.
void change_data(const TrainArguments& arguments, const UNetOptions& network, RunRecord& record) {
  if (arguments.data.path.empty()) return;
  record.data = fs::absolute(arguments.data.path).lexically_normal();
  const DatasetOptions asked = dataset_options(arguments.data);
  DatasetOptions& options = record.data_options;
  if (arguments.given("--labels") || arguments.given("--csv")) {
    options.labels = asked.labels;
    options.csv = asked.csv;
  }
  if (arguments.given("--split")) options.split = asked.split;
  if (arguments.given("--background")) options.background = asked.background;
  options.image_height = network.image_height;
  options.image_width = network.image_width;
  options.image_channels = network.image_channels;
}

void check_image_shape(const Dataset& dataset, const UNetOptions& network, const fs::path& path) {
  const std::vector<std::int64_t> expected = {network.image_channels, network.image_height, network.image_width};
  require(dataset.image_shape() == expected, "'{}' holds images of {}; the run's model needs {}", path.string(),
          format_shape(dataset.image_shape()), format_shape(expected));
}

void check_summary(const TrainArguments& arguments, const Dataset& dataset, RunRecord& record) {
  require(!arguments.data.path.empty() || record.dataset_summary.is_null() ||
              has_fingerprint(dataset, record.dataset_summary.value("fingerprint", std::string())),
          "'{}' has changed since the run began ({} images then, {} now); name it with --data to go on all the same",
          record.data.string(), record.dataset_summary.value("size", std::int64_t{0}), dataset.size());
  record.dataset_summary = summary_of(dataset, record.data);
}

void resume_threads(const ComputeOptions& compute, RunOptions& run, std::vector<std::string>& said) {
  const std::int64_t before = run.threads;
  run.threads = settle_threads(compute, run);
  if (before == 0 || run.threads == before) return;
  said.push_back(fmt::format(
      "--threads: {} instead of {}; sums depend on their number, so the run goes on, but not bit for bit as it would",
      run.threads, before));
}

}  // namespace

std::shared_ptr<const Dataset> open_for_model(const ModelSettings& model, bool other_data, RunRecord& record,
                                              std::vector<std::string>& said) {
  DatasetOptions& options = record.data_options;
  const std::vector<std::string> names = model.network.classes > 0 ? class_names_of(model) : std::vector<std::string>();
  const std::string path = record.data.string();
  std::shared_ptr<const Dataset> dataset;
  if (other_data && !model.class_names.empty()) {
    options.class_names.clear();
    dataset = open_dataset(record.data, options);
    const ClassComparison classes = compare_classes(names, dataset->class_names());
    require(classes.added.empty(),
            "'{}' has classes that the run's model doesn't know: {}; expected only {} (a new run can learn more, from "
            "this one's weights: --from)",
            path, fmt::join(classes.added, ", "), fmt::join(names, ", "));
    if (!classes.missing.empty() && !classes.shared.empty()) {
      said.push_back(
          fmt::format("Classes are taken by name; of {} there are no images", fmt::join(classes.missing, ", ")));
    }
    if (!classes.shared.empty()) return relabelled_dataset(std::move(dataset), names);
  }
  // Which rule finds the classes depends on the names that are expected.
  options.class_names = model.class_names;
  dataset = open_dataset(record.data, options);
  require(names.empty() || dataset->class_names().size() == names.size(),
          "'{}' has {} classes, but the run's model has {}; --labels says where they are", path,
          dataset->class_names().size(), names.size());
  return dataset;
}

PreparedRun prepare_resumed_run(const TrainArguments& arguments) {
  check_arguments(arguments);
  const fs::path& folder = arguments.resume;
  std::vector<std::string> said;
  std::optional<RunLock> lock;
  if (!arguments.dry_run) {
    if (!holds_replaced_run(folder)) (void)load_run_record(folder);  // refused before it is touched
    lock.emplace(folder);
    tidy_run_folder(folder, said);
  }
  RunRecord record = load_run_record(folder);
  resume_threads(arguments.compute, record.run, said);
  record.run.processes = 1;  // whoever else joins counts itself
  std::vector<std::string> broken;
  const fs::path checkpoint = find_resumable_checkpoint(folder, &broken);
  for (const std::string& name : broken) said.push_back(fmt::format("Skipping a broken checkpoint: {}", name));
  Trainer trainer = Trainer::resume(checkpoint, chosen_device(arguments.compute));
  const ModelSettings& model = trainer.settings();
  (void)changed_settings(*arguments.verb, arguments.model, model, record.preset, ModelChanges::none);

  change_data(arguments, model.network, record);
  const auto dataset = open_for_model(model, !arguments.data.path.empty(), record, said);
  check_image_shape(*dataset, model.network, record.data);
  check_summary(arguments, *dataset, record);

  std::vector<std::string> unreadable;
  (void)read_metrics_log(folder, &unreadable);
  for (const std::string& line : unreadable) said.push_back(fmt::format("Passing over a line of the log: {}", line));
  const ResumePoint point = {.step = trainer.steps_done(),
                             .seconds_logged = logged_seconds(folder, trainer.steps_done())};
  const RunOptions session = apply_to_resumed(arguments.training, arguments.compute, point, record, trainer, said);
  return {.folder = folder,
          .lock = std::move(lock),
          .record = std::move(record),
          .session = session,
          .said = std::move(said),
          .dataset = dataset,
          .trainer = std::move(trainer)};
}

}  // namespace iddpm::cli
