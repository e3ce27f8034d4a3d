#include "iddpm/diffusion/settings.h"

#include <array>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::array schedule_names = {"linear", "scaled_linear", "cosine"};
constexpr std::array mean_names = {"epsilon", "x_0", "previous_x", "v"};
constexpr std::array variance_names = {"fixed_small", "fixed_large", "learned", "learned_range"};
constexpr std::array objective_names = {"simple", "hybrid", "vlb", "vlb_unscaled"};
constexpr std::array loss_weight_names = {"prediction", "simple", "min_snr", "p2"};

template <typename Enumeration>
std::string name_of(Enumeration value, ChoiceNames names, const char* what) {
  return choice_name(names, static_cast<std::size_t>(value), what);
}

NoiseSchedule schedule_of(const DiffusionSettings& settings) {
  if (settings.schedule == "cosine") {
    require(settings.first_beta == 0 && settings.last_beta == 0,
            "diffusion settings: first_beta and last_beta are {} and {}, which the cosine schedule doesn't have; "
            "expected 0",
            settings.first_beta, settings.last_beta);
    return cosine_schedule({.steps = settings.steps});
  }
  const LinearScheduleOptions options = {
      .steps = settings.steps, .first_beta = settings.first_beta, .last_beta = settings.last_beta};
  if (settings.schedule == "linear") return linear_schedule(options);
  if (settings.schedule == "scaled_linear") return scaled_linear_schedule(options);
  fail("schedule: expected linear, scaled_linear or cosine, got '{}'", settings.schedule);
}

}  // namespace

ForwardProcess forward_process(const DiffusionSettings& settings) {
  require(settings.steps >= 1 && settings.steps <= max_schedule_steps, "diffusion steps: expected 1 to {}, got {}",
          max_schedule_steps, settings.steps);
  const NoiseSchedule schedule = schedule_of(settings);
  return ForwardProcess(settings.zero_terminal_snr ? zero_terminal_snr(schedule) : schedule);
}

ReverseProcess reverse_process(const DiffusionSettings& settings) {
  return ReverseProcess(forward_process(settings), {.mean = settings.mean,
                                                    .variance = settings.variance,
                                                    .clip_x_0 = settings.clip_x_0 > 0,
                                                    .clip_range = settings.clip_x_0 > 0 ? settings.clip_x_0 : 1.0,
                                                    .rescale_timesteps = settings.rescale_timesteps});
}

void check_weighting(const DiffusionSettings& settings) {
  if (settings.weighting.weight == LossWeight::prediction) return;
  require(settings.objective == Objective::simple || settings.objective == Objective::hybrid,
          "loss weight {}: the objective {} has no squared error to weight; expected simple or hybrid",
          name(settings.weighting.weight), name(settings.objective));
  check(settings.weighting, settings.mean);
}

std::string name(Mean mean) { return name_of(mean, mean_names, "mean"); }
std::string name(Variance variance) { return name_of(variance, variance_names, "variance"); }
std::string name(Objective objective) { return name_of(objective, objective_names, "objective"); }
std::string name(LossWeight weight) { return name_of(weight, loss_weight_names, "loss weight"); }

Mean parse_mean(const std::string& name) { return static_cast<Mean>(parse_choice(mean_names, name, "mean")); }
Variance parse_variance(const std::string& name) {
  return static_cast<Variance>(parse_choice(variance_names, name, "variance"));
}
Objective parse_objective(const std::string& name) {
  return static_cast<Objective>(parse_choice(objective_names, name, "objective"));
}
LossWeight parse_loss_weight(const std::string& name) {
  return static_cast<LossWeight>(parse_choice(loss_weight_names, name, "loss weight"));
}

void visit_fields(DiffusionSettings& settings, const FieldVisitor& visit) {
  visit({"schedule", "How alpha_bar falls", "--schedule"}, one_of(&settings.schedule, schedule_names));
  visit({"steps", "T", "--diffusion-steps", 1, max_schedule_steps}, &settings.steps);
  visit({.name = "first_beta",
         .help = "Of the linear schedules; 0, like last_beta: 0.0001 and 0.02, times 1000 / T",
         .least = 0,
         .most = 1,
         .since = 5,
         .before = "0.0"},
        &settings.first_beta);
  visit({.name = "last_beta", .help = "See first_beta", .least = 0, .most = 1, .since = 5, .before = "0.0"},
        &settings.last_beta);
  visit({.name = "zero_terminal_snr",
         .help = "true: the schedule is rescaled so that no signal is left at its end; for v and x_0",
         .option = "--zero-terminal-snr",
         .since = 3,
         .before = "false"},
        &settings.zero_terminal_snr);
  visit({"mean", "What the network predicts", "--mean"}, one_of(&settings.mean, mean_names));
  visit({"variance", "Of each step back: fixed, or learned by the network", "--variance"},
        one_of(&settings.variance, variance_names));
  visit({"rescale_timesteps", "true: the network sees t * 1000 / T", "--rescale-timesteps"},
        &settings.rescale_timesteps);
  visit({.name = "clip_x_0",
         .help = "The predicted x_0 is clamped to [-this, this]; 0: it isn't",
         .least = 0,
         .most = 1e6,
         .since = 5,
         .before = "1.0"},
        &settings.clip_x_0);
  visit({"objective", "What is minimised", "--objective"}, one_of(&settings.objective, objective_names));
  visit(
      {.name = "loss_weight",
       .help = "Weight of noise levels in the squared error: simple (as L_simple, whatever is predicted), min_snr and "
               "p2 (less at little noise, where most bits/dim are), or prediction (the error of what is predicted)",
       .option = "--loss-weight",
       .since = 2,
       .before = "\"prediction\""},
      one_of(&settings.weighting.weight, loss_weight_names));
  visit({.name = "loss_weight_floor",
         .help = "The least weight of v's squared error, which simple and min_snr take to 0 in pure noise",
         .option = "--loss-weight-floor",
         .least = 0,
         .most = 1,
         .since = 2,
         .before = "0.05"},
        &settings.weighting.floor);
  visit({.name = "snr_limit",
         .help = "Of min_snr: the largest signal-to-noise ratio that counts",
         .option = "--snr-limit",
         .least = 0,
         .since = 2,
         .before = "5.0"},
        &settings.weighting.snr_limit);
}

void to_json(nlohmann::json& json, const DiffusionSettings& settings) { json = fields_to_json(settings); }

void from_json(const nlohmann::json& json, DiffusionSettings& settings) {
  settings = fields_from_json<DiffusionSettings>(json, "diffusion settings");
}

}  // namespace iddpm
