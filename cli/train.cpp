// iddpm train: a new run, or one that goes on.

#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/model_options.h"
#include "cli/options/training_flags.h"
#include "cli/run_report_builder.h"
#include "cli/sample_grid.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"
#include "iddpm/data/dataset_summary.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/metrics_log.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/training_state.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct TrainArguments {
  DataOptions data;
  ModelOptions model;
  TrainingFlags training;
  ComputeOptions compute;
  fs::path run;
  fs::path resume;
  bool dry_run = false;
  bool overwrite = false;
};

/// A run about to begin or to go on.
struct PreparedRun {
  fs::path folder;
  RunRecord record;
  RunOptions session;             ///< the record's, but for what only this session does otherwise
  std::vector<std::string> said;  ///< what is to be announced besides
  std::shared_ptr<const Dataset> dataset;
  Trainer trainer;
};

// Removes what an earlier run left in the folder, and nothing else.
void remove_earlier_run(const fs::path& folder) {
  for (const char* name :
       {"run.json", "log.jsonl", "report.html", "evaluation.json", "checkpoints", "samples", "tensorboard"}) {
    fs::remove_all(folder / name);
  }
}

fs::path new_run_folder(const TrainArguments& arguments) {
  fs::path folder = arguments.run;
  if (folder.empty()) {
    folder = default_run_folder(arguments.data.path);
  }
  if (fs::exists(folder)) {
    require(fs::is_directory(folder), "--run: '{}' is a file; expected a new or empty folder", folder.string());
    if (!fs::is_empty(folder)) {
      require(arguments.overwrite,
              "--run: '{0}' already holds files; go on with 'iddpm train --resume {0}', choose another --run, or "
              "replace it "
              "with --overwrite",
              folder.string());
      remove_earlier_run(folder);
    }
  }
  return folder;
}

nlohmann::json summary_of(const Dataset& dataset, const fs::path& path) {
  const DatasetSummary summary = dataset_summary(dataset, path);
  return {{"size", summary.size},
          {"image_shape", summary.image_shape},
          {"classes", summary.class_names.size()},
          {"fingerprint", summary.fingerprint}};
}

void set_image_size(const TrainArguments& arguments, DatasetOptions& options) {
  const ImageSize size = asked_image_size(arguments.model);
  options.image_height = size.height;
  options.image_width = size.width;
  options.image_channels = size.channels;
}

PreparedRun prepare_new_run(const TrainArguments& arguments) {
  require(!arguments.data.path.empty(),
          "train needs --data FOLDER, or --resume RUN to go on with a run. See 'iddpm train --help'.");
  RunRecord record;
  record.data = fs::absolute(arguments.data.path).lexically_normal();
  record.data_options = dataset_options(arguments.data);
  set_image_size(arguments, record.data_options);
  // Unasked, a model of the data's own size, but no larger than a small machine can train.
  record.data_options.default_largest_side = 64;
  auto dataset = open_dataset(record.data, record.data_options);
  const std::vector<std::int64_t> shape = dataset->image_shape();
  record.data_options.image_channels = shape[0];
  record.data_options.image_height = shape[1];
  record.data_options.image_width = shape[2];
  Preset preset = chosen_preset(arguments.model, dataset.get());
  record.preset = preset.name;
  record.dataset_summary = summary_of(*dataset, record.data);
  preset.training.precision = chosen_precision(arguments.compute);
  apply(arguments.training, preset.training, record.run);
  check(preset.training);
  const fs::path folder = arguments.dry_run ? fs::path() : new_run_folder(arguments);
  Trainer trainer(preset.model, preset.training, chosen_device(arguments.compute));
  const RunOptions session = record.run;
  return {folder, std::move(record), session, {}, std::move(dataset), std::move(trainer)};
}

PreparedRun prepare_resumed_run(const TrainArguments& arguments) {
  require(fs::is_directory(arguments.resume), "--resume: '{}' is not a run folder", arguments.resume.string());
  RunRecord record = load_run_record(arguments.resume);
  if (!arguments.data.path.empty()) record.data = fs::absolute(arguments.data.path);
  apply_run_length(arguments.training, record.run);
  std::vector<std::string> broken;
  const fs::path checkpoint = find_resumable_checkpoint(arguments.resume, &broken);
  for (const std::string& name : broken) say(fmt::format("Skipping a broken checkpoint: {}", name));
  Trainer trainer = Trainer::resume(checkpoint, chosen_device(arguments.compute));
  if (trainer.settings().network.classes > 0) record.data_options.class_names = trainer.settings().class_names;
  auto dataset = open_dataset(record.data, record.data_options);
  const nlohmann::json summary = summary_of(*dataset, record.data);
  require(!arguments.data.path.empty() || record.dataset_summary.is_null() ||
              has_fingerprint(*dataset, record.dataset_summary.value("fingerprint", std::string())),
          "'{}' has changed since the run began ({} images then, {} now); name it with --data to go on all the same",
          record.data.string(), record.dataset_summary.value("size", std::int64_t{0}), dataset->size());
  record.dataset_summary = summary;
  std::vector<std::string> said;
  const double seconds = logged_seconds(arguments.resume, trainer.steps_done());
  const RunOptions session = apply_to_resumed_decay(arguments.training, record.run, seconds, trainer, said);
  return {arguments.resume, std::move(record), session, std::move(said), std::move(dataset), std::move(trainer)};
}

void announce(const PreparedRun& run) {
  const auto& network = run.trainer.settings().network;
  const auto& dataset = *run.dataset;
  say(fmt::format("Training on {} images {}x{}x{}{} from {}", format_count(dataset.size()), network.image_channels,
                  network.image_height, network.image_width,
                  network.classes > 0 ? fmt::format(" of {} classes", network.classes) : "",
                  display_path(run.record.data)));
  describe_data(dataset);
  const auto& diffusion = run.trainer.settings().diffusion;
  say(fmt::format("Network: {} parameters ({}); {} schedule, T = {}, predicts {}, objective {}, {}",
                  format_count(count(run.trainer.network().parameters())), run.record.preset, diffusion.schedule,
                  diffusion.steps, name(diffusion.mean), name(diffusion.objective),
                  run.trainer.options().precision == Precision::bfloat16 ? "bfloat16" : "float32"));
  if (diffusion.mean == Mean::epsilon && diffusion.schedule == "cosine") {
    say("Note: it predicts epsilon, as the paper's runs do. After a short training (less than some ten thousand steps) "
        "its samples are tinted or far too bright; --mean v mends that, 'iddpm sample --start data' helps.");
  }
  if (run.trainer.steps_done() > 0) say(fmt::format("Going on at step {}", run.trainer.steps_done()));
  for (const std::string& sentence : run.said) say(sentence);
}

struct SampleGrid {
  Image picture;
  PixelStatistics pixels;
};

// Samples of the first EMA, the same noise each time, so that grids can be compared.
SampleGrid write_sample_grid(const PreparedRun& run, std::int64_t step, const ProgressCallback& progress) {
  const auto& settings = run.trainer.settings();
  constexpr std::int64_t columns = 8;
  const std::int64_t classes = settings.network.classes;
  const bool by_class = classes > 0 && classes <= 16;
  DrawRequest request{.count = by_class ? classes * columns : columns * 4, .seed = run.trainer.options().seed};
  request.steps = fmt::format("{}", std::min<std::int64_t>(50, settings.diffusion.steps));
  if (by_class) request.classes.order = ClassOrder::in_blocks;
  const Model model({.settings = settings, .step = step},
                    run.trainer.options().ema_rates.empty() ? run.trainer.network() : run.trainer.ema_network(),
                    run.trainer.options().precision);
  const Tensor images = draw_at_once(model, request, progress);
  fs::create_directories(run.folder / "samples");
  SampleGrid grid{.picture = sample_grid(images, settings, by_class), .pixels = {}};
  add(grid.pixels, images);
  write_png(run.folder / "samples" / fmt::format("step_{:08}.png", step), grid.picture);
  return grid;
}

// A sample grid's picture, saying if it is off. Samples that aren't finite have none, and don't end the training; if
// that is to stop, it doesn't wait for them.
std::optional<Image> checked_sample_grid(const PreparedRun& run, std::int64_t step, const std::atomic<bool>& stop,
                                         ProgressBar& bar) {
  try {
    const SampleGrid grid = write_sample_grid(run, step, [&](std::int64_t, std::int64_t) {
      if (stop) throw Interrupted();
    });
    const std::string remark = brightness_remark(
        pixel_record(grid.pixels, run.trainer.data_pixels(), "training images"), fmt::format(" at step {}", step));
    if (!remark.empty()) {
      bar.clear();
      say(remark + " Usual in the first hundreds of steps.");
    }
    return grid.picture;
  } catch (const Interrupted&) {
    return std::nullopt;
  } catch (const NotFiniteError& error) {
    bar.clear();
    say(fmt::format("No sample grid at step {}: {}", step, error.what()));
    return std::nullopt;
  }
}

void execute(PreparedRun& run, const TrainArguments& arguments) {
  fs::create_directories(run.folder);
  save_run_record(run.folder, run.record);
  announce(run);
  const std::atomic<bool>& stop = catch_interruption();
  RunEnd end;
  {
    ProgressBar bar("Training");
    RunObserver observer;
    observer.on_step = [&](const StepResult& result, double images_per_second, double fraction) {
      bar.update(fraction,
                 fmt::format("step {}  loss {:.4f}  {:.0f} images/s", result.step, result.loss, images_per_second));
    };
    observer.on_sample = [&](std::int64_t step) { return checked_sample_grid(run, step, stop, bar); };
    observer.on_skipped_image = [&](const std::string& name) {
      bar.clear();
      say(fmt::format("Skipping a broken image: {}", name));
    };
    end = train(run.trainer, run.dataset, run.folder, run.session, observer, stop);
  }
  const fs::path report = write_run_report(run.folder, run.dataset);
  const std::string folder = display_path(run.folder);
  if (end == RunEnd::interrupted) {
    say(fmt::format("Interrupted after step {}; everything is saved. Go on with:\n  iddpm train --resume {}",
                    run.trainer.steps_done(), folder));
    throw ExitWith{exit_interrupted};
  }
  say(fmt::format(
      "Trained to step {}. Run folder: {}\nReport: {}\nNext:\n  iddpm sample {} --count 16\n  iddpm train --resume {} "
      "--minutes 30",
      run.trainer.steps_done(), folder, display_path(report), folder, folder));
}

void run_train(const TrainArguments& arguments) {
  apply_threads(arguments.compute);
  require(arguments.resume.empty() || arguments.run.empty(),
          "--resume goes on in the run's own folder; leave out --run {}", arguments.run.string());
  PreparedRun run = arguments.resume.empty() ? prepare_new_run(arguments) : prepare_resumed_run(arguments);
  if (arguments.dry_run) {
    announce(run);
    print(dry_run(run.trainer, run.dataset, run.session));
    return;
  }
  execute(run, arguments);
}

}  // namespace

void add_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* verb = app.add_subcommand("train", "Train a model on images, or go on with a run");
  verb->footer(
      "Examples:\n"
      "  iddpm train --data photos/ --minutes 60\n"
      "      images in photos/ (sub-folders are classes) at their own size, at most 64x64, for an hour\n"
      "  iddpm train --data cifar-10/ --preset cifar10 --steps 500000 --run runs/cifar10\n"
      "      the paper's CIFAR-10 network and settings\n"
      "  iddpm train --data photos/ --image-size 64 --channels 64 --attention 16,8 --dry-run\n"
      "      how large and how slow that would be\n"
      "  iddpm train --resume runs/photos --minutes 60\n"
      "      an hour more; Ctrl-C saves and stops, and this goes on exactly where it was\n"
      "A run folder holds checkpoints/, samples/, log.jsonl, tensorboard/ and report.html.");
  add_data_options(*verb, arguments->data);
  verb->add_option("--run", arguments->run, "Folder for the run (default: runs/<name of the data>)");
  verb->add_option("--resume", arguments->resume, "Go on with the run in this folder; needs nothing else");
  verb->add_flag("--dry-run", arguments->dry_run,
                 "Only say how large the model is, its memory, its speed and when it would end");
  verb->add_flag("--overwrite", arguments->overwrite, "Replace the run that is in the folder");
  add_training_flags(*verb, arguments->training);
  add_model_options(*verb, arguments->model);
  add_compute_options(*verb, arguments->compute);
  verb->callback([arguments] { run_train(*arguments); });
}

}  // namespace iddpm::cli
