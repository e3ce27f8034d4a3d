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

// How long a run is, and what it writes.
void apply_run_length(const TrainingFlags& flags, RunOptions& run) {
  require(!flags.minutes || !flags.processor_minutes,
          "--minutes {} and --processor-minutes {}: expected one of them, by which the run ends",
          flags.minutes.value_or(0), flags.processor_minutes.value_or(0));
  if (flags.give_an_end()) {
    run.steps = flags.steps;
    run.minutes = flags.minutes;
    run.processor_minutes = flags.processor_minutes;
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

}  // namespace

void add_training_flags(CLI::App& verb, TrainingFlags& flags) {
  const auto training = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group("Training");
  };
  training("--steps", flags.steps, "Stop at this step, those before a resume included")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 40));
  training("--minutes", flags.minutes, "Stop after this time (default without --steps: 10)")->check(between(1e-3, 1e7));
  training("--processor-minutes", flags.processor_minutes,
           "Stop after so much processor time, all threads together, instead")
      ->check(between(1e-3, 1e7));
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
  if (!flags.give_an_end()) run.minutes = 10;
  // Most is to be seen at the beginning.
  if (!flags.sample_every) {
    run.sample_every = 5000;
    run.sample_at = {100, 300, 1000, 2000};
  }
  flags.training.apply_to(training);
  // A preset's decay is no reason to refuse a run that ends within the warm-up.
  if (!flags.training.given("decay") && run.steps && *run.steps <= training.warmup_steps) {
    training.decay = LearningRateDecay::none;
    training.decay_minutes = 0;
  }
  end_decay_with_run(training, run.steps, run.minutes ? run.minutes : run.processor_minutes, 0);
  training.random_flip = training.random_flip || flags.flip;
}

}  // namespace iddpm::cli
