#include "iddpm/training/training_options.h"

#include <cmath>
#include <set>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/json_record.h"

namespace iddpm {
namespace {

constexpr std::int64_t largest_batch = 1'000'000;
constexpr std::size_t most_ema_rates = 16;

}  // namespace

std::string name(Precision precision) { return precision == Precision::float32 ? "float32" : "bfloat16"; }

std::string name(LearningRateDecay decay) {
  switch (decay) {
    case LearningRateDecay::none:
      return "none";
    case LearningRateDecay::linear:
      return "linear";
    case LearningRateDecay::cosine:
      return "cosine";
  }
  fail("learning rate decay: a value without a name ({})", static_cast<int>(decay));
}

std::string name(TimestepSampling sampling) { return sampling == TimestepSampling::uniform ? "uniform" : "importance"; }

Precision parse_precision(const std::string& name) {
  if (name == "float32") return Precision::float32;
  if (name == "bfloat16") return Precision::bfloat16;
  fail("precision: expected one of float32, bfloat16, got {}", quote(name));
}

LearningRateDecay parse_learning_rate_decay(const std::string& name) {
  if (name == "none") return LearningRateDecay::none;
  if (name == "linear") return LearningRateDecay::linear;
  if (name == "cosine") return LearningRateDecay::cosine;
  fail("learning rate decay: expected one of none, linear, cosine, got {}", quote(name));
}

TimestepSampling parse_timestep_sampling(const std::string& name) {
  if (name == "uniform") return TimestepSampling::uniform;
  if (name == "importance") return TimestepSampling::importance;
  fail("timestep sampling: expected one of uniform, importance, got {}", quote(name));
}

void check(const TrainingOptions& options) {
  const auto finite_at_least_0 = [](double value) { return std::isfinite(value) && value >= 0; };
  require(options.batch >= 1 && options.batch <= largest_batch, "batch: expected 1 to {} images, got {}", largest_batch,
          options.batch);
  require(options.microbatch >= 0 && options.microbatch <= options.batch,
          "microbatch: expected 0 (the whole batch) to the batch of {}, got {}", options.batch, options.microbatch);
  require(finite_at_least_0(options.learning_rate) && options.learning_rate <= 10,
          "learning rate: expected 0 to 10, got {}", options.learning_rate);
  require(options.warmup_steps >= 0, "warm-up: expected at least 0 steps, got {}", options.warmup_steps);
  require(options.decay_steps >= 0, "learning rate decay: expected at least 0 steps, got {}", options.decay_steps);
  require(finite_at_least_0(options.decay_minutes), "learning rate decay: expected at least 0 minutes, got {}",
          options.decay_minutes);
  if (options.decay != LearningRateDecay::none && (options.decay_steps > 0 || options.decay_minutes == 0)) {
    require(options.decay_steps > options.warmup_steps,
            "learning rate decay: expected more steps than the {} of the warm-up, got {}", options.warmup_steps,
            options.decay_steps);
  }
  require(finite_at_least_0(options.weight_decay) && options.weight_decay <= 10,
          "weight decay: expected 0 to 10, got {}", options.weight_decay);
  require(finite_at_least_0(options.gradient_clip),
          "gradient clip: expected a norm greater than 0, or 0 for no clipping, got {}", options.gradient_clip);
  require(options.ema_rates.size() <= most_ema_rates, "EMA rates: expected at most {}, got {}", most_ema_rates,
          options.ema_rates.size());
  for (const double rate : options.ema_rates) {
    require(rate > 0 && rate < 1, "EMA rates: expected numbers between 0 and 1, got {}", rate);
  }
  require(std::set<double>(options.ema_rates.begin(), options.ema_rates.end()).size() == options.ema_rates.size(),
          "EMA rates: expected each once, got {}", fmt::join(options.ema_rates, ", "));
}

void to_json(nlohmann::json& json, const TrainingOptions& options) {
  json = {{"seed", options.seed},
          {"batch", options.batch},
          {"microbatch", options.microbatch},
          {"learning_rate", options.learning_rate},
          {"warmup_steps", options.warmup_steps},
          {"decay", name(options.decay)},
          {"decay_steps", options.decay_steps},
          {"decay_minutes", options.decay_minutes},
          {"weight_decay", options.weight_decay},
          {"gradient_clip", options.gradient_clip},
          {"ema_rates", options.ema_rates},
          {"ema_warmup", options.ema_warmup},
          {"precision", name(options.precision)},
          {"timesteps", name(options.timesteps)},
          {"random_flip", options.random_flip}};
}

void from_json(const nlohmann::json& json, TrainingOptions& options) {
  const JsonRecord fields(
      json, "training options",
      {"seed", "batch", "microbatch", "learning_rate", "warmup_steps", "decay", "decay_steps", "weight_decay",
       "gradient_clip", "ema_rates", "ema_warmup", "precision", "timesteps", "random_flip", "decay_minutes"});
  options = {.seed = fields.get<std::uint64_t>("seed"),
             .batch = fields.get<std::int64_t>("batch"),
             .microbatch = fields.get<std::int64_t>("microbatch"),
             .learning_rate = fields.get<double>("learning_rate"),
             .warmup_steps = fields.get<std::int64_t>("warmup_steps"),
             .decay = parse_learning_rate_decay(fields.get<std::string>("decay")),
             .decay_steps = fields.get<std::int64_t>("decay_steps"),
             .decay_minutes = json.contains("decay_minutes") ? fields.get<double>("decay_minutes") : 0,  // since 0.1
             .weight_decay = fields.get<double>("weight_decay"),
             .gradient_clip = fields.get<double>("gradient_clip"),
             .ema_rates = fields.get<std::vector<double>>("ema_rates"),
             .ema_warmup = fields.get<bool>("ema_warmup"),
             .precision = parse_precision(fields.get<std::string>("precision")),
             .timesteps = parse_timestep_sampling(fields.get<std::string>("timesteps")),
             .random_flip = fields.get<bool>("random_flip")};
  check(options);
}

}  // namespace iddpm
