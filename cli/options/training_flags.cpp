#include "cli/options/training_flags.h"

#include <CLI/CLI.hpp>

#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/training/learning_rate.h"

namespace iddpm::cli {
namespace {

template <typename Target, typename Value>
void set_if(Target& target, const std::optional<Value>& value) {
  if (value) target = *value;
}

}  // namespace

void add_training_flags(CLI::App& verb, TrainingFlags& flags) {
  const auto training = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group("Training");
  };
  training("--steps", flags.steps, "Stop at this step, those before a resume included")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  training("--minutes", flags.minutes, "Stop after this time (default without --steps: 10)")->check(between(1e-3, 1e7));
  flags.training.add_to<TrainingOptions>(verb, "Training");
  verb.add_flag("--flip", flags.flip, "Mirror images at random")->group("Training");
  const auto keeping = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group("Keeping records");
  };
  keeping("--log-every", flags.log_every, "Steps between lines of log.jsonl")->check(at_least(std::int64_t{1}));
  keeping("--checkpoint-every", flags.checkpoint_every, "Steps between checkpoints (and every 10 minutes)")
      ->check(at_least(std::int64_t{1}));
  keeping("--keep", flags.keep_checkpoints, "Newest checkpoints to keep; 0: all")->check(at_least(std::int64_t{0}));
  keeping("--sample-every", flags.sample_every, "Steps between sample grids; 0: none (default: more often at first)")
      ->check(at_least(std::int64_t{0}));
  verb.add_flag("--strict", flags.strict, "Stop at a broken image instead of skipping it")->group("Data");
  verb.add_option("--workers", flags.workers, "Threads that decode images")
      ->check(between(std::int64_t{1}, std::int64_t{256}))
      ->group("Data");
}

void apply(const TrainingFlags& flags, TrainingOptions& training, RunOptions& run) {
  apply_run_length(flags, run);
  if (!flags.steps && !flags.minutes) run.minutes = 10;
  // Most is to be seen at the beginning.
  if (!flags.sample_every) {
    run.sample_every = 5000;
    run.sample_at = {100, 300, 1000, 2000};
  }
  flags.training.apply_to(training);
  end_decay_with_run(training, run.steps, run.minutes, 0);
  training.random_flip = training.random_flip || flags.flip;
}

RunOptions apply_to_resumed_decay(const TrainingFlags& flags, const RunOptions& run, double seconds_logged,
                                  Trainer& trainer, std::vector<std::string>& said) {
  TrainingOptions options = trainer.options();
  RunOptions session = run;
  const std::int64_t step = trainer.steps_done();
  const bool length_asked = flags.steps || flags.minutes;
  if (options.decay == LearningRateDecay::none || (run.steps && *run.steps <= step)) return session;
  const bool over = decay_progress(options, step, trainer.seconds_trained()) >= 1;
  if (!length_asked && !over) {
    // The rest of the time that the decay was planned for, not the whole of it once more.
    if (options.decay_minutes > 0) session.minutes = options.decay_minutes - trainer.seconds_trained() / 60;
    return session;
  }
  if (options.decay_minutes == 0) trainer.set_seconds_trained(seconds_logged);
  end_decay_with_run(options, run.steps, run.minutes, trainer.seconds_trained());
  if (options == trainer.options()) return session;
  check(options);
  trainer.change_options(options);
  std::string end;
  if (run.steps) end = fmt::format("step {}", *run.steps);
  if (run.minutes) end += fmt::format("{}{:.4g} minutes of training", run.steps ? " or " : "", options.decay_minutes);
  said.push_back(fmt::format("The decay of the learning rate now ends at {}; it goes on at {:.4g}", end,
                             learning_rate_at(options, step, trainer.seconds_trained())));
  return session;
}

void apply_run_length(const TrainingFlags& flags, RunOptions& run) {
  if (flags.steps || flags.minutes) {
    run.steps = flags.steps;
    run.minutes = flags.minutes;
  }
  set_if(run.log_every, flags.log_every);
  set_if(run.checkpoint_every, flags.checkpoint_every);
  set_if(run.keep_checkpoints, flags.keep_checkpoints);
  if (flags.sample_every) {
    run.sample_every = *flags.sample_every;
    run.sample_at.clear();
  }
  set_if(run.workers, flags.workers);
  run.strict = run.strict || flags.strict;
}

}  // namespace iddpm::cli
