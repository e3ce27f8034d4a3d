#include "iddpm/diffusion/settings.h"

#include <array>
#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

template <typename Value>
using NameTable = std::initializer_list<std::pair<Value, const char*>>;

const NameTable<Mean> mean_names = {
    {Mean::epsilon, "epsilon"}, {Mean::x_0, "x_0"}, {Mean::previous_x, "previous_x"}, {Mean::velocity, "v"}};
const NameTable<Variance> variance_names = {{Variance::fixed_small, "fixed_small"},
                                            {Variance::fixed_large, "fixed_large"},
                                            {Variance::learned, "learned"},
                                            {Variance::learned_range, "learned_range"}};
const NameTable<Objective> objective_names = {{Objective::simple, "simple"},
                                              {Objective::hybrid, "hybrid"},
                                              {Objective::vlb, "vlb"},
                                              {Objective::vlb_unscaled, "vlb_unscaled"}};
const NameTable<LossWeight> loss_weight_names = {
    {LossWeight::prediction, "prediction"}, {LossWeight::simple, "simple"}, {LossWeight::min_snr, "min_snr"}};

template <typename Value>
std::string find_name(const NameTable<Value>& table, Value value) {
  for (const auto& [candidate, name] : table) {
    if (candidate == value) return name;
  }
  fail("diffusion settings: a value without a name ({})", static_cast<int>(value));
}

template <typename Value>
Value find_value(const NameTable<Value>& table, const char* what, const std::string& name) {
  std::string known;
  for (const auto& [value, candidate] : table) {
    if (name == candidate) return value;
    known += (known.empty() ? "" : ", ") + std::string(candidate);
  }
  fail("{}: expected one of {}, got '{}'", what, known, name);
}

}  // namespace

ForwardProcess forward_process(const DiffusionSettings& settings) {
  require(settings.steps >= 1 && settings.steps <= max_schedule_steps, "diffusion steps: expected 1 to {}, got {}",
          max_schedule_steps, settings.steps);
  if (settings.schedule == "linear") return ForwardProcess(linear_schedule({.steps = settings.steps}));
  if (settings.schedule == "cosine") return ForwardProcess(cosine_schedule({.steps = settings.steps}));
  fail("schedule: expected linear or cosine, got '{}'", settings.schedule);
}

ReverseProcess reverse_process(const DiffusionSettings& settings) {
  return ReverseProcess(
      forward_process(settings),
      {.mean = settings.mean, .variance = settings.variance, .rescale_timesteps = settings.rescale_timesteps});
}

void check_weighting(const DiffusionSettings& settings) {
  if (settings.weighting.weight == LossWeight::prediction) return;
  require(settings.objective == Objective::simple || settings.objective == Objective::hybrid,
          "loss weight {}: the objective {} has no squared error to weight; expected simple or hybrid",
          name(settings.weighting.weight), name(settings.objective));
  check(settings.weighting, settings.mean);
}

std::string name(Mean mean) { return find_name(mean_names, mean); }
std::string name(Variance variance) { return find_name(variance_names, variance); }
std::string name(Objective objective) { return find_name(objective_names, objective); }
std::string name(LossWeight weight) { return find_name(loss_weight_names, weight); }

Mean parse_mean(const std::string& name) { return find_value(mean_names, "mean", name); }
Variance parse_variance(const std::string& name) { return find_value(variance_names, "variance", name); }
Objective parse_objective(const std::string& name) { return find_value(objective_names, "objective", name); }
LossWeight parse_loss_weight(const std::string& name) { return find_value(loss_weight_names, "loss weight", name); }

void to_json(nlohmann::json& json, const DiffusionSettings& settings) {
  json = {{"schedule", settings.schedule},
          {"steps", settings.steps},
          {"mean", name(settings.mean)},
          {"variance", name(settings.variance)},
          {"rescale_timesteps", settings.rescale_timesteps},
          {"objective", name(settings.objective)},
          {"loss_weight", name(settings.weighting.weight)},
          {"loss_weight_floor", settings.weighting.floor},
          {"snr_limit", settings.weighting.snr_limit}};
}

void from_json(const nlohmann::json& json, DiffusionSettings& settings) {
  static constexpr std::array keys = {"schedule",          "steps",     "mean",        "variance",
                                      "rescale_timesteps", "objective", "loss_weight", "loss_weight_floor",
                                      "snr_limit"};
  require(json.is_object(), "diffusion settings: expected a JSON object, got {}", json.type_name());
  for (const auto& [key, value] : json.items()) {
    require(std::find(keys.begin(), keys.end(), key) != keys.end(), "diffusion settings: unknown key '{}'", key);
  }
  try {
    settings = {.schedule = json.at("schedule").get<std::string>(),
                .steps = json.at("steps").get<std::int64_t>(),
                .mean = parse_mean(json.at("mean").get<std::string>()),
                .variance = parse_variance(json.at("variance").get<std::string>()),
                .rescale_timesteps = json.at("rescale_timesteps").get<bool>(),
                .objective = parse_objective(json.at("objective").get<std::string>())};
    if (json.contains("loss_weight") || json.contains("loss_weight_floor") || json.contains("snr_limit")) {
      settings.weighting = {.weight = parse_loss_weight(json.at("loss_weight").get<std::string>()),
                            .floor = json.at("loss_weight_floor").get<double>(),
                            .snr_limit = json.at("snr_limit").get<double>()};
    }
  } catch (const nlohmann::json::exception& error) {
    fail("diffusion settings: {}", error.what());
  }
}

}  // namespace iddpm
