#include "iddpm/training/run/training_run.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/io/utf8.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/metrics_log.h"
#include "iddpm/training/training_state.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;  // a change of the time of day changes nothing here
  Clock::time_point start_ = Clock::now();
};

BatchLoaderOptions loader_options(const Trainer& trainer, const RunOptions& options) {
  return {.batch = trainer.options().batch,
          .seed = trainer.options().seed,
          .random_flip = trainer.options().random_flip,
          .first_example = trainer.examples_seen(),
          .workers = options.workers,
          .strict = options.strict};
}

// Where the data came from, without the paths of this machine.
nlohmann::json origin_of(const fs::path& run_folder) {
  std::error_code error;
  if (!fs::exists(run_record_path(run_folder), error)) return nullptr;
  const RunRecord record = load_run_record(run_folder);
  const fs::path data = record.data.has_filename() ? record.data : record.data.parent_path();
  nlohmann::json origin = {{"data", utf8_text(data.filename().string())}, {"preset", record.preset}};
  if (!record.dataset_summary.is_null()) origin["dataset"] = record.dataset_summary;
  return origin;
}

/// A run under way.
class Run {
 public:
  Run(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const fs::path& folder, const RunOptions& options,
      const RunObserver& observer)
      : trainer_(trainer),
        folder_(folder),
        options_(options),
        observer_(observer),
        origin_(origin_of(folder)),
        seconds_before_(logged_seconds(folder, trainer.steps_done())),
        seconds_trained_before_(trainer.seconds_trained()),
        log_(folder, trainer.steps_done()),
        loader_(std::move(dataset), loader_options(trainer, options)) {
    std::error_code error;
    const std::int64_t step = trainer.steps_done();
    if (step > 0 && fs::exists(checkpoint_path(folder, step), error)) {
      last_saved_ = step;
      whole_[step] = true;  // the trainer was made of it
    }
  }

  RunEnd run(const std::atomic<bool>& stop) {
    if (trainer_.steps_done() == 0 && std::count(options_.sample_at.begin(), options_.sample_at.end(), 0) > 0) {
      draw_samples();
    }
    while (true) {
      if (const auto end = reached_end(stop)) {
        finish(*end);
        return *end;
      }
      step();
      if (checkpoint_due()) save();
      if (sample_due()) draw_samples();
    }
  }

 private:
  std::optional<RunEnd> reached_end(const std::atomic<bool>& stop) const {
    if (options_.steps.has_value() && trainer_.steps_done() >= *options_.steps) return RunEnd::steps_done;
    if (options_.minutes.has_value() && session_.seconds() >= 60 * *options_.minutes) return RunEnd::time_over;
    if (stop.load()) return RunEnd::interrupted;
    return std::nullopt;
  }

  void step() {
    const Stopwatch watch;
    const double waited_before = loader_.seconds_waited();
    const Batch batch = loader_.next();
    const double waited = loader_.seconds_waited() - waited_before;
    const StepResult result = checked_step(batch);
    const double images_per_second = static_cast<double>(result.images) / std::max(watch.seconds(), 1e-9);
    log_.record(result, images_per_second, seconds_before_ + session_.seconds(), waited);
    if (result.step % options_.log_every == 0) {
      log_.flush();
      report_skipped_images();
    }
    if (observer_.on_step) observer_.on_step(result, images_per_second, fraction_done());
  }

  StepResult checked_step(const Batch& batch) {
    tell_time();
    try {
      return trainer_.step(batch);
    } catch (const NotFiniteError& error) {
      log_.flush();
      const TrainingOptions& training = trainer_.options();
      const std::string kept = last_saved_.has_value() ? fmt::format("the last good checkpoint is {}",
                                                                     checkpoint_path(folder_, *last_saved_).string())
                                                       : "there is no checkpoint yet";
      std::string advice = fmt::format("a learning rate lower than {}", training.learning_rate);
      if (training.gradient_clip == 0) advice += ", clipping the gradient (to 1, say)";
      if (training.warmup_steps == 0) advice += ", a warm-up";
      if (training.precision == Precision::bfloat16) advice += ", float32";
      throw NotFiniteError(fmt::format("{}; {}; try {}", error.what(), kept, advice));
    }
  }

  double fraction_done() const {
    double fraction = 0;
    if (options_.steps.has_value()) {
      fraction = static_cast<double>(trainer_.steps_done()) / static_cast<double>(*options_.steps);
    }
    if (options_.minutes.has_value()) fraction = std::max(fraction, session_.seconds() / (60 * *options_.minutes));
    return std::min(fraction, 1.0);
  }

  void report_skipped_images() {
    const std::vector<std::string> skipped = loader_.skipped();
    for (; skipped_reported_ < skipped.size(); ++skipped_reported_) {
      if (observer_.on_skipped_image) observer_.on_skipped_image(skipped[skipped_reported_]);
    }
  }

  bool checkpoint_due() const {
    return trainer_.steps_done() % options_.checkpoint_every == 0 ||
           since_checkpoint_.seconds() >= 60 * options_.checkpoint_minutes;
  }

  bool sample_due() const {
    const std::int64_t step = trainer_.steps_done();
    return (options_.sample_every > 0 && step % options_.sample_every == 0) ||
           std::find(options_.sample_at.begin(), options_.sample_at.end(), step) != options_.sample_at.end();
  }

  void draw_samples() {
    if (!observer_.on_sample) return;
    const std::optional<Image> picture = observer_.on_sample(trainer_.steps_done());
    if (picture.has_value()) log_.record_image(trainer_.steps_done(), "samples", *picture);
  }

  void tell_time() { trainer_.set_seconds_trained(seconds_trained_before_ + session_.seconds()); }

  void save() {
    log_.flush();
    tell_time();
    const fs::path path = checkpoint_path(folder_, trainer_.steps_done());
    trainer_.save(path, origin_);
    last_saved_ = trainer_.steps_done();
    since_checkpoint_.restart();
    whole_[*last_saved_] = true;
    if (options_.keep_checkpoints > 0) {
      remove_old_checkpoints(folder_, options_.keep_checkpoints, *last_saved_,
                             [this](const RunCheckpoint& checkpoint) { return is_whole(checkpoint); });
    }
    if (observer_.on_checkpoint) observer_.on_checkpoint(path);
  }

  // Each checkpoint of an earlier session is read once.
  bool is_whole(const RunCheckpoint& checkpoint) {
    const auto [known, is_new] = whole_.try_emplace(checkpoint.step, false);
    if (is_new) known->second = is_resumable(checkpoint.path);
    return known->second;
  }

  void finish(RunEnd end) {
    const bool nothing_done = end == RunEnd::interrupted && trainer_.steps_done() == 0;
    if (!nothing_done && last_saved_ != trainer_.steps_done()) save();
    log_.flush();
    report_skipped_images();
  }

  Trainer& trainer_;
  const fs::path folder_;
  const RunOptions& options_;
  const RunObserver& observer_;
  const nlohmann::json origin_;
  const double seconds_before_;
  const double seconds_trained_before_;
  MetricsLog log_;
  BatchLoader loader_;
  Stopwatch session_;
  Stopwatch since_checkpoint_;
  std::optional<std::int64_t> last_saved_;
  std::map<std::int64_t, bool> whole_;  ///< by step: what is known of the checkpoints
  std::size_t skipped_reported_ = 0;
};

}  // namespace

RunEnd train(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const fs::path& run_folder,
             const RunOptions& options, const RunObserver& observer, const std::atomic<bool>& stop) {
  check(options);
  std::error_code error;
  fs::create_directories(run_folder / "checkpoints", error);
  require(!error, "cannot make the folder {}: {}", (run_folder / "checkpoints").string(), error.message());
  return Run(trainer, std::move(dataset), run_folder, options, observer).run(stop);
}

}  // namespace iddpm
