// iddpm train: a new run, or one that goes on.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/options/effect.h"
#include "cli/run_report_builder.h"
#include "cli/sample_grid.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/progress_bar.h"
#include "cli/train/prepared_run.h"
#include "iddpm/core/error.h"
#include "iddpm/core/progress.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/replaced_run.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/training_state.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

void announce(const PreparedRun& run) {
  const auto& network = run.trainer.settings().network;
  const auto& dataset = *run.dataset;
  say(fmt::format("Training on {} images {}x{}x{}{} from {}", format_count(dataset.size()), network.image_channels,
                  network.image_height, network.image_width,
                  network.classes > 0 ? fmt::format(" of {} classes", network.classes) : "",
                  display_path(run.record.data)));
  describe_data(dataset);
  const auto& diffusion = run.trainer.settings().diffusion;
  say(fmt::format("Network: {} parameters ({}); {} schedule{}, T = {}, predicts {}, objective {}, {}",
                  format_count(count(run.trainer.network().parameters())), run.record.preset, diffusion.schedule,
                  diffusion.zero_terminal_snr ? " to zero terminal SNR" : "", diffusion.steps, name(diffusion.mean),
                  name(diffusion.objective),
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

// The first images of the data, made small and enlarged again.
void enlarge_training_images(DrawRequest& request, const PreparedRun& run) {
  request.count = std::min(request.count, run.dataset->size());
  const Batch batch = read_batch(*run.dataset, 0, request.count);
  request.low_resolution = low_resolution_of(batch.x_0, run.trainer.settings().network);
  if (run.trainer.settings().network.classes == 0) return;
  const Tensor y = batch.y.contiguous();
  request.classes.classes.assign(y.data_ptr<std::int64_t>(), y.data_ptr<std::int64_t>() + y.numel());
}

// Samples of the first EMA, the same noise each time, so that grids can be compared.
SampleGrid write_sample_grid(const PreparedRun& run, std::int64_t step, const ProgressCallback& progress) {
  const auto& settings = run.trainer.settings();
  constexpr std::int64_t columns = 8;
  const std::int64_t classes = settings.network.classes;
  const bool by_class = classes > 0 && classes <= 16 && !settings.network.super_resolution;
  DrawRequest request;
  request.count = by_class ? classes * columns : columns * 4;
  request.seed = run.trainer.options().seed;
  if (by_class) request.classes.order = ClassOrder::in_blocks;
  if (settings.network.super_resolution) enlarge_training_images(request, run);
  // A few at a time, so that an interruption is soon heeded: images don't depend on it.
  const std::int64_t pixels = settings.network.image_height * settings.network.image_width;
  request.batch = std::clamp<std::int64_t>(4 * 64 * 64 / pixels, 1, request.batch);
  const Model model({.settings = settings, .step = step},
                    run.trainer.options().ema_rates.empty() ? run.trainer.network() : run.trainer.ema_network(),
                    run.trainer.options().precision);
  const Tensor images = draw_at_once(model, request, progress);
  fs::create_directories(run.folder / "samples");
  SampleGrid grid{.picture = sample_grid(images, settings, {.by_class = by_class}), .pixels = {}};
  add(grid.pixels, images);
  write_png(run.folder / "samples" / fmt::format("step_{:08}.png", step), grid.picture);
  return grid;
}

// A sample grid's picture, saying if it is off. Nothing that is wrong with it ends the training;
// if that is to stop, it doesn't wait for the picture.
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
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    bar.clear();
    say(fmt::format("No sample grid at step {}: {}", step, error.what()));
    return std::nullopt;
  }
}

// A first checkpoint replaces the run that lay aside; without one that run comes back.
RunEnd train_in_folder(PreparedRun& run, const RunObserver& observer, const std::atomic<bool>& stop) {
  if (run.replaces) move_run_aside(run.folder);
  try {
    save_run_record(run.folder, run.record);
    const RunEnd end = train(run.trainer, run.dataset, run.folder, run.session, observer, stop);
    if (end == RunEnd::interrupted && !has_checkpoint(run.folder)) {
      delete_unsaved_run(run.folder);
      throw Interrupted("interrupted before the first step: there is nothing to save");
    }
    return end;
  } catch (...) {
    if (settle_replaced_run(run.folder) == ReplacedRun::put_back) {
      say(fmt::format("The earlier run is back in {}", display_path(run.folder)));
    }
    throw;
  }
}

// What to type after a loss that isn't finite.
std::string advice(const PreparedRun& run) {
  const TrainingOptions& training = run.trainer.options();
  std::string options = fmt::format("--lr {:.2g}", training.learning_rate / 10);
  if (training.gradient_clip == 0) options += " --gradient-clip 1";
  if (training.precision == Precision::bfloat16) options += " --precision float32";
  if (list_checkpoints(run.folder).empty()) return "begin again with " + options + " --overwrite";
  return fmt::format("go on with 'iddpm train --resume {} {}'", display_path(run.folder), options);
}

RunEnd train_watched(PreparedRun& run) {
  const std::atomic<bool>& stop = catch_interruption();
  ProgressBar bar("Training");
  RunObserver observer;
  observer.on_step = [&](const StepResult& result, double images_per_second, double fraction) {
    if (result.skipped) {
      bar.clear();
      say(fmt::format("Skipping step {}: its loss is {}, its gradient's norm {} ({} in a row; the run stops at {})",
                      result.step, std::abs(result.loss), std::abs(result.gradient_norm),
                      run.trainer.skipped_steps().in_a_row, Trainer::most_skipped_in_a_row + 1));
      return;
    }
    bar.update(fraction,
               fmt::format("step {}  loss {:.4f}  {:.0f} images/s", result.step, result.loss, images_per_second));
  };
  observer.on_sample = [&](std::int64_t step) { return checked_sample_grid(run, step, stop, bar); };
  observer.on_checkpoint = [&](const fs::path&) {
    if (!run.replaces) return;
    run.replaces = false;
    try {
      delete_replaced_run(run.folder);
    } catch (const Error& error) {
      bar.clear();
      say(error.what());  // the rest is deleted at the next start
    }
  };
  observer.on_skipped_image = [&](const std::string& name) {
    bar.clear();
    say(fmt::format("Skipping a broken image: {}", name));
  };
  try {
    return train_in_folder(run, observer, stop);
  } catch (const NotFiniteError& error) {
    throw NotFiniteError(fmt::format("{}: {}", error.what(), advice(run)));
  }
}

// The training is done and saved: a report that can't be written is no reason to call it failed.
std::string report_line(const PreparedRun& run, RunEnd end) {
  try {
    const bool may_draw = end != RunEnd::interrupted;  // who stops it doesn't wait for pictures
    return fmt::format("Report: {}", display_path(write_run_report(run.folder, run.dataset, may_draw)));
  } catch (const std::exception& error) {
    return fmt::format("The report couldn't be written: {}", error.what());
  }
}

void execute(PreparedRun& run) {
  announce(run);
  const RunEnd end = train_watched(run);
  const std::string report = report_line(run, end);
  const std::string folder = display_path(run.folder);
  if (end == RunEnd::interrupted) {
    say(fmt::format("Interrupted after step {}; everything is saved. Go on with:\n  iddpm train --resume {}",
                    run.trainer.steps_done(), folder));
    throw ExitWith{exit_interrupted};
  }
  say(fmt::format(
      "Trained to step {}. Run folder: {}\n{}\nNext:\n  iddpm sample {} --count 16\n  iddpm train --resume {} "
      "--minutes 30",
      run.trainer.steps_done(), folder, report, folder, folder));
}

void run_train(const TrainArguments& arguments) {
  if (!arguments.dry_run) refuse_idle(*arguments.verb, {"--json"}, "without --dry-run");
  PreparedRun run = arguments.resume.empty() ? prepare_new_run(arguments) : prepare_resumed_run(arguments);
  if (arguments.dry_run) {
    announce(run);
    const DryRun result = dry_run(run.trainer, run.dataset, run.session);
    if (!arguments.json) return print(table(result));
    nlohmann::json json = result;
    json["model"] = run.trainer.settings();
    json["training"] = run.trainer.options();
    json["data_description"] = run.dataset->description();
    return print(printed_json(json));
  }
  execute(run);
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
      "  iddpm train --from runs/photos --data more-photos/ --minutes 60\n"
      "      a new run from the weights of another; classes go by name, new ones are added\n"
      "A run folder holds checkpoints/, samples/, log.jsonl, tensorboard/ and report.html.");
  arguments->verb = verb;
  add_data_options(*verb, arguments->data);
  verb->add_option("--run", arguments->run, "Folder for the run (default: runs/<name of the data>)");
  verb->add_option("--resume", arguments->resume,
                   "Go on with the run in this folder; needs nothing else, and takes what may change");
  verb->add_option(
      "--from", arguments->from,
      "Begin with the weights of this model (run folder or checkpoint): fine-tuning, at a learning rate of "
      "0.0001 unless told");
  verb->add_flag("--dry-run", arguments->dry_run,
                 "Only say how large the model is, its memory, its speed and when it would end");
  verb->add_flag("--json", arguments->json, "With --dry-run: one JSON object, with how the data were understood");
  verb->add_flag("--overwrite", arguments->overwrite,
                 "Replace the run that is in the folder, once the new one has a checkpoint");
  add_training_flags(*verb, arguments->training);
  add_model_options(*verb, arguments->model);
  add_compute_options(*verb, arguments->compute);
  verb->callback([arguments] { run_train(*arguments); });
}

}  // namespace iddpm::cli
