#include "cli/options/resumed_training.h"

#include <map>

#include "iddpm/core/error.h"
#include "iddpm/core/fields.h"
#include "iddpm/training/learning_rate.h"

namespace iddpm::cli {
namespace {

/// Collects changes: "--lr: 1e-06 instead of 0.001".
class Changes {
 public:
  template <typename Value>
  void apply(const char* option, Value& target, const std::optional<Value>& asked) {
    if (!asked || *asked == target) return;
    add(option, fmt::format("{}", *asked), fmt::format("{}", target));
    target = *asked;
  }
  void add(const std::string& option, const std::string& now, const std::string& before) {
    sentences_.push_back(fmt::format("{}: {} instead of {}", option, now, before));
  }
  void add_sentence(std::string sentence) { sentences_.push_back(std::move(sentence)); }
  const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

// The fields that have an option, as text under the option's last name: "--lr", "0.001".
std::map<std::string, std::string> texts_by_option(TrainingOptions training) {
  std::map<std::string, std::string> texts;
  visit_fields(training, [&](const Field& field, const FieldMember& member) {
    if (field.option == nullptr) return;
    const std::string names = field.option;
    texts[names.substr(names.rfind(',') + 1)] = field_text(member);
  });
  return texts;
}

void change_training(const TrainingFlags& flags, const ComputeOptions& compute, std::int64_t step,
                     TrainingOptions& training, Changes& changes) {
  const TrainingOptions before = training;
  flags.training.apply_to(training);
  require(
      training.seed == before.seed,
      "--seed: a run keeps its seed, {}, on which the order of its images depends; expected no --seed, or a new run",
      before.seed);
  // From here on: a warm-up that began at step 0 would be over.
  if (training.warmup_steps != before.warmup_steps) training.warmup_from = step;
  const auto texts_before = texts_by_option(before);
  for (const auto& [option, text] : texts_by_option(training)) {
    if (text == texts_before.at(option)) continue;
    std::string now = text;
    if (option == "--warmup") now += fmt::format(" steps from step {} on", step);
    if (option == "--ema") now += " (a new average begins as the nearest)";
    changes.add(option, now, texts_before.at(option));
  }
  changes.apply("--flip", training.random_flip, flags.flip ? std::optional(true) : std::nullopt);
  if (compute.precision == "auto") return;
  training.precision = parse_precision(compute.precision);
  if (training.precision != before.precision) {
    changes.add("--precision", name(training.precision), name(before.precision));
  }
}

void change_records(const TrainingFlags& flags, RunOptions& run, Changes& changes) {
  changes.apply("--log-every", run.log_every, flags.log_every);
  changes.apply("--checkpoint-every", run.checkpoint_every, flags.checkpoint_every);
  changes.apply("--keep", run.keep_checkpoints, flags.keep_checkpoints);
  if (flags.sample_every && !run.sample_at.empty()) run.sample_at.clear();
  changes.apply("--sample-every", run.sample_every, flags.sample_every);
  changes.apply("--workers", run.workers, flags.workers);
  changes.apply("--strict", run.strict, flags.strict ? std::optional(true) : std::nullopt);
}

// The end of the decay and the rate that it goes on at.
std::string decay_sentence(const TrainingOptions& training, std::int64_t step, double seconds_trained) {
  std::string end;
  if (training.decay_steps > 0) end = fmt::format("step {}", training.decay_steps);
  if (training.decay_minutes > 0) {
    end += fmt::format("{}{:.4g} minutes of training, of which {:.4g} are over", end.empty() ? "" : " or ",
                       training.decay_minutes, seconds_trained / 60);
  }
  return fmt::format("The decay of the learning rate now ends at {}: it goes on at a rate of {:.4g}", end,
                     learning_rate_at(training, step, seconds_trained));
}

}  // namespace

RunOptions apply_to_resumed(const TrainingFlags& flags, const ComputeOptions& compute, const ResumePoint& point,
                            RunRecord& record, Trainer& trainer, std::vector<std::string>& said) {
  RunOptions& run = record.run;
  TrainingOptions training = record.training.value_or(trainer.options());
  const LearningRateDecay decay_before = training.decay;
  const double seconds_trained = trainer.seconds_trained() > 0 ? trainer.seconds_trained() : point.seconds_logged;
  Changes changes;
  change_training(flags, compute, point.step, training, changes);
  require(!flags.minutes || !flags.processor_minutes,
          "--minutes {} and --processor-minutes {}: expected one of them, by which the run ends",
          flags.minutes.value_or(0), flags.processor_minutes.value_or(0));
  if (flags.give_an_end()) {
    run.steps = flags.steps;
    run.minutes = flags.minutes;
    run.processor_minutes = flags.processor_minutes;
  }
  change_records(flags, run, changes);

  RunOptions session = run;
  const bool ends_now = run.steps && *run.steps <= point.step;
  if (training.decay == LearningRateDecay::none) {
    if (decay_before != training.decay) training.decay_steps = 0, training.decay_minutes = 0;
  } else if (!ends_now) {
    const bool over = decay_progress(training, point.step, seconds_trained) >= 1;
    if (flags.give_an_end() || training.decay != decay_before || over) {
      TrainingOptions stretched = training;
      end_decay_with_run(stretched, run.steps, run.minutes ? run.minutes : run.processor_minutes, seconds_trained);
      if (stretched != training) {
        training = stretched;
        changes.add_sentence(decay_sentence(training, point.step, seconds_trained));
      }
    } else if (training.decay_minutes > 0) {
      (run.processor_minutes ? session.processor_minutes : session.minutes) =
          training.decay_minutes - seconds_trained / 60;
    }
  }
  trainer.change_options(training);
  if (training.decay_minutes > 0 || session.processor_minutes) trainer.set_seconds_trained(seconds_trained);
  record.training = training;
  said.insert(said.end(), changes.sentences().begin(), changes.sentences().end());
  return session;
}

}  // namespace iddpm::cli
