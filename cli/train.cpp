// iddpm train: a new run, or one that goes on.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/options/effect.h"
#include "cli/run_report_builder.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/progress_bar.h"
#include "cli/train/joined_run.h"
#include "cli/train/prepared_run.h"
#include "cli/train/training_grid.h"
#include "iddpm/core/error.h"
#include "iddpm/core/progress.h"
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
  if (const ProcessGroup& group = run.trainer.group(); group.size() > 1) {
    const std::int64_t batch = run.trainer.options().batch;
    say(fmt::format("Each of {} processes takes {}{} of the {} images of a step", group.size(), batch / group.size(),
                    batch % group.size() > 0 ? fmt::format(" or {}", batch / group.size() + 1) : "", batch));
  }
  if (run.trainer.steps_done() > 0) say(fmt::format("Going on at step {}", run.trainer.steps_done()));
  for (const std::string& sentence : run.said) say(sentence);
}

// A first checkpoint replaces the run that lay aside; without one that run comes back.
RunEnd train_in_folder(PreparedRun& run, const RunObserver& observer, const std::atomic<bool>& stop) {
  if (!run.trainer.group().is_first()) {
    const RunEnd end = train(run.trainer, run.dataset, run.folder, run.session, observer, stop);
    if (end == RunEnd::interrupted && run.trainer.steps_done() == 0) {
      throw Interrupted("interrupted before the first step: there is nothing to save");
    }
    return end;
  }
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
  observer.on_sample = [&](std::int64_t step) { return training_grid(run, step, stop, bar); };
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
std::string report_line(const PreparedRun& run) {
  try {
    return fmt::format("Report: {}", display_path(write_run_report(run.folder, run.dataset)));
  } catch (const std::exception& error) {
    return fmt::format("The report couldn't be written: {}", error.what());
  }
}

void execute(PreparedRun& run) {
  announce(run);
  const RunEnd end = train_watched(run);
  if (!run.trainer.group().is_first()) {
    if (end == RunEnd::interrupted) throw ExitWith{exit_interrupted};
    return;
  }
  run.trainer.group().at_work("writing the report");
  const std::string report = report_line(run);
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

PreparedRun prepare(const TrainArguments& arguments) {
  return arguments.resume.empty() ? prepare_new_run(arguments) : prepare_resumed_run(arguments);
}

void run_train(TrainArguments arguments) {
  if (!arguments.dry_run) refuse_idle(*arguments.verb, {"--json"}, "without --dry-run");
  const ProcessPlace place = process_place();
  refuse_idle_process_options(*arguments.verb, place);
  if (place.size == 1) refuse_idle(*arguments.verb, {"--shard-optimizer"}, "in a process alone");
  require(!arguments.dry_run || place.size == 1, "--dry-run looks at one process; expected no others beside it, got {}",
          place.size - 1);
  if (arguments.dry_run) {
    PreparedRun run = prepare(arguments);
    announce(run);
    const DryRun result = dry_run(run.trainer, run.dataset, run.session);
    if (!arguments.json) return print(table(result));
    nlohmann::json json = result;
    json["model"] = run.trainer.settings();
    json["training"] = run.trainer.options();
    json["data_description"] = run.dataset->description();
    return print(printed_json(json));
  }
  arguments.launch = place.launch;
  work_together(arguments.processes, arguments.compute, [&](const std::shared_ptr<ProcessGroup>& group) {
    PreparedRun run = prepare_together(
        arguments, group, [&] { return prepare(place.restarts > 0 ? started_again(arguments) : arguments); });
    execute(run);
  });
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
      "  iddpm launch --processes 4 -- train --data photos/ --batch 128\n"
      "      four processes, each with 32 images of a step (or torchrun, mpirun, srun: docs/scaling.md)\n"
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
  add_process_options(*verb, arguments->processes);
  verb->add_flag("--shard-optimizer", arguments->shard_optimizer,
                 "Each process keeps its share of the optimiser's state and the averages only (less memory)")
      ->group("Several processes");
  verb->callback([arguments] { run_train(*arguments); });
}

}  // namespace iddpm::cli
