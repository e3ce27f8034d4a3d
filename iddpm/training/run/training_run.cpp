#include "iddpm/training/run/training_run.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
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
  const RowShare share = trainer.group().share_of(trainer.options().batch);
  return {.batch = trainer.options().batch,
          .first_row = share.begin,
          .rows = share.count,
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

/// What processes decide together: nobody stops, saves or draws alone.
struct Decisions {
  bool stop = false;           ///< one was asked to
  double session_seconds = 0;  ///< rank 0's clock
  double checkpoint_seconds = 0;
};

Decisions agree(ProcessGroup& group, const Decisions& own) {
  if (group.size() == 1) return own;
  const Tensor votes = at::zeros({3}, at::kDouble);
  votes[0] = own.stop ? 1.0 : 0.0;
  if (group.is_first()) {
    votes[1] = own.session_seconds;
    votes[2] = own.checkpoint_seconds;
  }
  const Tensor all = group.sum(votes, "whether to go on");
  const auto* values = all.data_ptr<double>();
  return {.stop = values[0] > 0, .session_seconds = values[1], .checkpoint_seconds = values[2]};
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
        group_(trainer.group()),
        origin_(group_.is_first() ? origin_of(folder) : nullptr),
        seconds_before_(group_.is_first() ? logged_seconds(folder, trainer.steps_done()) : 0),
        seconds_trained_before_(trainer.seconds_trained()),
        loader_(std::move(dataset), loader_options(trainer, options)) {
    if (!group_.is_first()) return;
    log_.emplace(folder, trainer.steps_done());
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
    decide(stop);
    while (true) {
      if (const auto end = reached_end()) {
        finish(*end);
        return *end;
      }
      step();
      decide(stop);
      const bool saves = checkpoint_due(), draws = sample_due();
      if (saves) save();
      if (draws) draw_samples();
      if (saves || draws) decide(stop);  // that takes time
    }
  }

 private:
  void decide(const std::atomic<bool>& stop) {
    now_ = agree(
        group_, {.stop = stop.load(), .session_seconds = seconds(), .checkpoint_seconds = since_checkpoint_.seconds()});
  }

  std::optional<RunEnd> reached_end() const {
    if (options_.steps.has_value() && trainer_.steps_done() >= *options_.steps) return RunEnd::steps_done;
    if (minutes().has_value() && now_.session_seconds >= 60 * *minutes()) return RunEnd::time_over;
    if (now_.stop) return RunEnd::interrupted;
    return std::nullopt;
  }

  void step() {
    const Stopwatch watch;
    const double waited_before = loader_.seconds_waited();
    group_.at_work("waiting for images");
    const Batch batch = next_batch();
    group_.at_work(fmt::format("step {}", trainer_.steps_done() + 1));
    const double waited = loader_.seconds_waited() - waited_before;
    const StepResult result = checked_step(batch);
    const double images_per_second = static_cast<double>(result.images) / std::max(watch.seconds(), 1e-9);
    if (log_) log_->record(result, images_per_second, seconds_before_ + session_.seconds(), waited);
    if (result.step % options_.log_every == 0) {
      if (log_) log_->flush();
      report_skipped_images();
    }
    if (observer_.on_step) observer_.on_step(result, images_per_second, fraction_done());
  }

  // Images that can't be read any more end the run, but not what it has learnt. Processes save together or not at all,
  // and the others are at their step.
  Batch next_batch() {
    try {
      return loader_.next();
    } catch (const Error& lost) {
      const bool unsaved = trainer_.steps_done() > last_saved_.value_or(0) && trainer_.skipped_steps().in_a_row == 0;
      if (!unsaved || group_.size() > 1) throw;
      try {
        save();
      } catch (const Error& also) {
        fail(lost.kind(), "{}; nor can what was trained so far be saved: {}", lost.what(), also.what());
      }
      throw;
    }
  }

  StepResult checked_step(const Batch& batch) {
    tell_time();
    try {
      const StepResult result = trainer_.step(batch);
      good_since_save_ = good_since_save_ || !result.skipped;
      return result;
    } catch (const NotFiniteError& error) {
      if (!log_) throw;
      log_->flush();
      const TrainingOptions& training = trainer_.options();
      const std::string kept = kept_checkpoint();
      std::string advice = fmt::format("a learning rate lower than {}", training.learning_rate);
      if (training.gradient_clip == 0) advice += ", clipping the gradient (to 1, say)";
      if (training.warmup_steps == 0) advice += ", a warm-up";
      if (training.precision == Precision::bfloat16) advice += ", float32";
      throw NotFiniteError(fmt::format("{}; {}; try {}", error.what(), kept, advice));
    }
  }

  // What there is to go on from. The newest checkpoint, if no good step followed it, holds the weights that led here:
  // it is set aside where there is an earlier one.
  std::string kept_checkpoint() const {
    if (!last_saved_) return "there is no checkpoint yet";
    const fs::path newest = checkpoint_path(folder_, *last_saved_);
    std::vector<RunCheckpoint> checkpoints = list_checkpoints(folder_);
    std::erase_if(checkpoints, [&](const RunCheckpoint& checkpoint) { return checkpoint.step >= *last_saved_; });
    if (good_since_save_ || checkpoints.empty()) {
      return fmt::format("the last good checkpoint is {}", newest.string());
    }
    const fs::path aside = fs::path(newest).replace_extension(".diverged.safetensors");
    std::error_code error;
    fs::rename(newest, aside, error);  // first, so that a model file that is listed has its state
    if (!error) fs::rename(training_state_path(newest), training_state_path(aside), error);
    require(!error, "cannot rename {}: {}", newest.string(), error.message());
    return fmt::format("the last good checkpoint is {} (the one after it, whose weights led here, is {} now)",
                       checkpoints.back().path.string(), aside.filename().string());
  }

  double fraction_done() const {
    double fraction = 0;
    if (options_.steps.has_value()) {
      fraction = static_cast<double>(trainer_.steps_done()) / static_cast<double>(*options_.steps);
    }
    if (minutes().has_value()) fraction = std::max(fraction, seconds() / (60 * *minutes()));
    return std::min(fraction, 1.0);
  }

  void report_skipped_images() {
    const std::vector<std::string> skipped = loader_.skipped();
    for (; skipped_reported_ < skipped.size(); ++skipped_reported_) {
      if (observer_.on_skipped_image) observer_.on_skipped_image(skipped[skipped_reported_]);
    }
  }

  // One that falls among steps that were skipped waits for the next good one: what is kept can be gone on with.
  bool checkpoint_due() {
    checkpoint_owed_ = checkpoint_owed_ || trainer_.steps_done() % options_.checkpoint_every == 0 ||
                       now_.checkpoint_seconds >= 60 * options_.checkpoint_minutes;
    return checkpoint_owed_ && trainer_.skipped_steps().in_a_row == 0;
  }

  bool sample_due() const {
    const std::int64_t step = trainer_.steps_done();
    return (options_.sample_every > 0 && step % options_.sample_every == 0) ||
           std::find(options_.sample_at.begin(), options_.sample_at.end(), step) != options_.sample_at.end();
  }

  void draw_samples() {
    if (!observer_.on_sample) return;
    const std::optional<Image> picture = observer_.on_sample(trainer_.steps_done());
    if (picture.has_value() && log_) log_->record_image(trainer_.steps_done(), "samples", *picture);
  }

  // Of this session, by the clock that ends it.
  std::optional<double> minutes() const {
    return options_.processor_minutes.has_value() ? options_.processor_minutes : options_.minutes;
  }
  double seconds() const {
    return options_.processor_minutes.has_value() ? processor_seconds() - processor_start_ : session_.seconds();
  }

  // Kept only where it matters: a checkpoint is otherwise a function of settings and data alone.
  void tell_time() {
    if (trainer_.options().decay_minutes == 0 && !options_.processor_minutes.has_value()) return;
    trainer_.set_seconds_trained(seconds_trained_before_ + now_.session_seconds);
  }

  void save() {
    if (log_) log_->flush();
    if (group_.size() == 1) now_.session_seconds = seconds();
    tell_time();
    const fs::path path = checkpoint_path(folder_, trainer_.steps_done());
    group_.at_work("writing a checkpoint");
    trainer_.save(path, origin_);
    last_saved_ = trainer_.steps_done();
    since_checkpoint_.restart();
    checkpoint_owed_ = false;
    good_since_save_ = false;
    if (!group_.is_first()) return;
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
    const bool unsaved = !nothing_done && last_saved_ != trainer_.steps_done();
    // Only rank 0 knows what is in the folder.
    if (group_.broadcast_text(unsaved ? "save" : "", "the end of the run") == "save") save();
    if (log_) log_->flush();
    report_skipped_images();
  }

  Trainer& trainer_;
  const fs::path folder_;
  const RunOptions& options_;
  const RunObserver& observer_;
  ProcessGroup& group_;
  const nlohmann::json origin_;
  const double seconds_before_;
  const double seconds_trained_before_;
  std::optional<MetricsLog> log_;  ///< rank 0's
  BatchLoader loader_;
  Stopwatch session_;
  const double processor_start_ = processor_seconds();
  Stopwatch since_checkpoint_;
  Decisions now_;
  bool checkpoint_owed_ = false;
  bool good_since_save_ = false;
  std::optional<std::int64_t> last_saved_;
  std::map<std::int64_t, bool> whole_;  ///< by step: what is known of the checkpoints
  std::size_t skipped_reported_ = 0;
};

}  // namespace

RunEnd train(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const fs::path& run_folder,
             const RunOptions& options, const RunObserver& observer, const std::atomic<bool>& stop) {
  check(options);
  std::error_code error;
  if (trainer.group().is_first()) fs::create_directories(run_folder / "checkpoints", error);
  require(!error, "cannot make the folder {}: {}", (run_folder / "checkpoints").string(), error.message());
  return Run(trainer, std::move(dataset), run_folder, options, observer).run(stop);
}

}  // namespace iddpm
