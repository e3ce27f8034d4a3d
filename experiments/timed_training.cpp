#include "experiments/timed_training.h"

#include <algorithm>
#include <atomic>

#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/input_file.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/learning_rate.h"
#include "iddpm/training/run/run_lock.h"
#include "iddpm/training/run/training_run.h"
#include "iddpm/training/training_state.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

// The marks that are behind a run: how much time it had, and its step.
struct PassedMark {
  double seconds = 0;
  std::int64_t step = 0;
};

fs::path marks_file(const fs::path& run) { return run / "marks.json"; }

std::vector<PassedMark> passed_marks(const fs::path& run) {
  std::vector<PassedMark> marks;
  if (!fs::exists(marks_file(run))) return marks;
  const std::string where = marks_file(run).string();
  for (const auto& json : parse_json(read_file(marks_file(run)), where)) {
    const JsonRecord record(json, where, {"seconds", "step"});
    PassedMark& mark = marks.emplace_back();
    record.read("seconds", mark.seconds);
    record.read("step", mark.step);
  }
  return marks;
}

void save_marks(const fs::path& run, const std::vector<PassedMark>& marks) {
  nlohmann::json json = nlohmann::json::array();
  for (const PassedMark& mark : marks) json.push_back({{"seconds", mark.seconds}, {"step", mark.step}});
  write_file_atomically(marks_file(run), json.dump() + "\n");
}

RunRecord timed_record(const Workbench& bench, const Preset& preset, const Dataset& images) {
  RunRecord record;
  record.data = fs::absolute(bench.settings().data);
  record.data_options = bench.settings().data_options;
  const auto shape = images.image_shape();
  record.data_options.image_height = shape[1];
  record.data_options.image_width = shape[2];
  record.data_options.image_channels = shape[0];
  record.preset = preset.name;
  record.run.checkpoint_every = std::int64_t{1} << 40;  // at the marks, and every ten minutes
  record.run.keep_checkpoints = 0;
  record.run.sample_every = 0;
  return record;
}

Trainer trainer_in(const fs::path& run, const Preset& preset, at::Device device) {
  if (list_checkpoints(run).empty()) return Trainer(preset.model, preset.training, device);
  return Trainer::resume(find_resumable_checkpoint(run), device);
}

// From where the run stands to its last mark.
void train_to_marks(Workbench& bench, const fs::path& run, const Preset& preset, const std::vector<double>& marks,
                    std::vector<PassedMark>& passed) {
  const double start = processor_seconds();
  const auto images = bench.open_training_images();
  fs::create_directories(run);
  const RunLock lock(run);
  RunRecord record = timed_record(bench, preset, *images);
  save_run_record(run, record);
  Trainer trainer = trainer_in(run, preset, bench.settings().device);
  trainer.set_seconds_trained(trainer.seconds_trained() + processor_seconds() - start);

  std::atomic<bool> stop{false};
  RunObserver observer;
  observer.on_step = [&](const StepResult& result, double images_per_second, double) {
    try {
      bench.tell("Training " + run.filename().string(), std::min(trainer.seconds_trained() / marks.back(), 1.0),
                 fmt::format("step {}  loss {:.4f}  {:.0f} images/s", result.step, result.loss, images_per_second));
    } catch (const Interrupted&) {
      stop = true;  // the run saves first
    }
  };
  while (passed.size() < marks.size()) {
    constexpr double next_to_none = 1e-6;  // a mark that is over before the first step has a checkpoint too
    const double before = trainer.seconds_trained(), begin = processor_seconds();
    const double left = std::max(marks[passed.size()] - before, trainer.steps_done() == 0 ? next_to_none : 0.0);
    if (left > 0) {
      record.run.processor_minutes = left / 60;
      if (train(trainer, images, run, record.run, observer, stop) == RunEnd::interrupted) throw Interrupted();
      trainer.set_seconds_trained(before + processor_seconds() - begin);  // the last checkpoint's writing included
    }
    passed.push_back({.seconds = trainer.seconds_trained(), .step = trainer.steps_done()});
    save_marks(run, passed);
  }
}

}  // namespace

TimedRun trained_for(Workbench& bench, const std::string& name, const Preset& preset,
                     const std::vector<double>& marks) {
  Preset timed = preset;
  end_decay_with_run(timed.training, {}, marks.back() / 60, 0);
  const nlohmann::json depends_on = {{"model", timed.model}, {"training", timed.training}, {"marks", marks}};
  const fs::path run = bench.folder("models") /
                       fmt::format("{}-seed{}-{}", name, timed.training.seed, sha256(depends_on.dump()).substr(0, 12));
  const fs::path diverged = run / "diverged.json";
  if (fs::exists(diverged)) throw NotFiniteError(parse_json(read_file(diverged), diverged.string()).dump());
  std::vector<PassedMark> passed = passed_marks(run);
  if (passed.size() < marks.size()) {
    try {
      train_to_marks(bench, run, timed, marks, passed);
    } catch (const NotFiniteError& error) {
      write_file_atomically(diverged, nlohmann::json(error.what()).dump() + "\n");
      throw;
    }
  }
  TimedRun trained;
  for (const PassedMark& mark : passed) {
    trained.checkpoints.push_back(checkpoint_path(run, mark.step));
    trained.seconds.push_back(mark.seconds);
    trained.steps.push_back(mark.step);
  }
  bench.count(trained.seconds.back());
  return trained;
}

}  // namespace iddpm::experiments
