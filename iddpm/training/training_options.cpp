#include "iddpm/training/training_options.h"

#include <array>
#include <set>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::int64_t largest_batch = 1 << 20;
constexpr double most_steps = 1e15;
constexpr std::size_t most_ema_rates = 16;

constexpr std::array decay_names = {"none", "linear", "cosine"};
constexpr std::array optimizer_names = {"adamw", "muon"};
constexpr std::array sampling_names = {"uniform", "importance", "normal", "laplace"};
constexpr std::array precision_names = {"float32", "bfloat16"};  // as model/compute.h spells them

}  // namespace

std::string name(LearningRateDecay decay) {
  return choice_name(decay_names, static_cast<std::size_t>(decay), "learning rate decay");
}
std::string name(TimestepSampling sampling) {
  return choice_name(sampling_names, static_cast<std::size_t>(sampling), "timestep sampling");
}

LearningRateDecay parse_learning_rate_decay(const std::string& name) {
  return static_cast<LearningRateDecay>(parse_choice(decay_names, name, "learning rate decay"));
}
TimestepSampling parse_timestep_sampling(const std::string& name) {
  return static_cast<TimestepSampling>(parse_choice(sampling_names, name, "timestep sampling"));
}

void check(const TrainingOptions& options) {
  check_fields(options, "training options");
  require(options.microbatch <= options.batch, "microbatch: expected 0 (the whole batch) to the batch of {}, got {}",
          options.batch, options.microbatch);
  if (options.decay != LearningRateDecay::none && (options.decay_steps > 0 || options.decay_minutes == 0)) {
    require(options.decay_steps > options.warmup_from + options.warmup_steps,
            "learning rate decay: expected more steps than the {} of the warm-up, got {}",
            options.warmup_from + options.warmup_steps, options.decay_steps);
  }
  require(options.adam_betas.size() == 2 && options.adam_betas[0] < 1 && options.adam_betas[1] < 1,
          "adam_betas: expected two numbers of at least 0 and below 1, got {}", fmt::join(options.adam_betas, ", "));
  require(options.ema_rates.size() <= most_ema_rates, "EMA rates: expected at most {}, got {}", most_ema_rates,
          options.ema_rates.size());
  for (const double rate : options.ema_rates) {
    require(rate > 0 && rate < 1, "EMA rates: expected numbers between 0 and 1, got {}", rate);
  }
  require(std::set<double>(options.ema_rates.begin(), options.ema_rates.end()).size() == options.ema_rates.size(),
          "EMA rates: expected each once, got {}", fmt::join(options.ema_rates, ", "));
}

void visit_fields(TrainingOptions& options, const FieldVisitor& visit) {
  visit({"seed", "Of everything random", "--seed"}, &options.seed);
  visit({"batch", "Images per step", "--batch", 1, largest_batch}, &options.batch);
  visit({"microbatch", "Images at a time, to need less memory; 0: the batch", "--microbatch", 0, largest_batch},
        &options.microbatch);
  visit({"learning_rate", "Of the optimiser", "--learning-rate,--lr", 0, 10}, &options.learning_rate);
  visit({"warmup_steps", "Steps over which the learning rate grows from 0", "--warmup", 0, most_steps},
        &options.warmup_steps);
  visit({.name = "warmup_from",
         .help = "The step after which it begins",
         .least = 0,
         .most = most_steps,
         .since = 3,
         .before = "0"},
        &options.warmup_from);
  visit({"decay", "How the learning rate falls to 0 at the end (--steps or --minutes)", "--decay"},
        one_of(&options.decay, decay_names));
  visit({"decay_steps", "The step at which it is 0; 0: not by steps", nullptr, 0, most_steps}, &options.decay_steps);
  visit({.name = "decay_minutes",
         .help = "Minutes of training at which it is 0; 0: not by time",
         .least = 0,
         .since = 2,
         .before = "0.0"},
        &options.decay_minutes);
  visit({.name = "optimizer",
         .help = "muon: momentum made orthogonal for convolutions and linear layers, AdamW for the rest",
         .option = "--optimizer",
         .since = 4,
         .before = "\"adamw\""},
        one_of(&options.optimizer, optimizer_names));
  visit({.name = "adam_betas",
         .help = "How slowly AdamW's moments follow the gradient and its square: 0.9,0.99",
         .option = "--adam-betas",
         .least = 0,
         .most = 1,
         .since = 4,
         .before = "[0.9, 0.999]"},
        &options.adam_betas);
  visit({"weight_decay", "Of the optimiser", "--weight-decay", 0, 10}, &options.weight_decay);
  visit({"gradient_clip", "Largest norm of the gradient; 0: none", "--gradient-clip", 0}, &options.gradient_clip);
  visit({"ema_rates", "Rates of the averages of the weights: 0.999,0.9999", "--ema", 0, 1}, &options.ema_rates);
  visit({"ema_warmup", "true: at first at most (1 + step) / (10 + step)"}, &options.ema_warmup);
  visit({"precision", "Of the activations"}, one_of(&options.precision, precision_names));
  visit({"timesteps",
         "How t is drawn: evenly, by the losses so far (for objective vlb), or by a density of log-SNR; the "
         "loss is the same in the mean",
         "--timesteps"},
        one_of(&options.timesteps, sampling_names));
  visit({.name = "augmentation",
         .help = "Probability of scaling, turning, shifting a mirrored or plain image; samples stay straight: 0.12",
         .option = "--augment",
         .least = 0,
         .most = 1,
         .since = 4,
         .before = "0.0"},
        &options.augmentation);
  visit({"random_flip", "true: images are mirrored at random"}, &options.random_flip);
}

void to_json(nlohmann::json& json, const TrainingOptions& options) { json = fields_to_json(options); }

void from_json(const nlohmann::json& json, TrainingOptions& options) {
  options = fields_from_json<TrainingOptions>(json, "training options");
  check(options);
}

}  // namespace iddpm
