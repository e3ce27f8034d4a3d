#pragma once

#include <string>

#include "iddpm/core/fields.h"
#include "iddpm/diffusion/losses.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// A diffusion process in words: what a checkpoint says of it. The defaults are the paper's best choices.
struct DiffusionSettings {
  std::string schedule = "cosine";  ///< or "linear", "scaled_linear"
  std::int64_t steps = 4000;
  double first_beta = 0.0;  ///< of "linear" and "scaled_linear"; 0, like last_beta: 1e-4 and 0.02, times 1000 / T
  double last_beta = 0.0;
  bool zero_terminal_snr = false;  ///< the schedule rescaled until no signal is left at its end (noise_schedule.h)
  Mean mean = Mean::epsilon;
  Variance variance = Variance::learned_range;
  bool rescale_timesteps = true;
  double clip_x_0 = 1.0;  ///< the predicted x_0 is clamped to [-this, this] when sampling and evaluating; 0: it isn't
  Objective objective = Objective::hybrid;
  LossWeighting weighting = {};  ///< of the squared error in L_simple and L_hybrid

  bool operator==(const DiffusionSettings&) const = default;
};

/// Throws Error if the schedule's name is unknown, steps are outside 1 .. 1,000,000, or the betas don't fit the
/// schedule.
ForwardProcess forward_process(const DiffusionSettings& settings);
ReverseProcess reverse_process(const DiffusionSettings& settings);

/// Throws Error if the objective and the prediction can't be weighted as the settings say.
void check_weighting(const DiffusionSettings& settings);

/// Names for files and options: "epsilon", "x_0", "previous_x", "v"; "fixed_small", ...; "simple", "hybrid", "vlb",
/// "vlb_unscaled"; "prediction", "simple", "min_snr". The parsers throw Error listing the names there are.
std::string name(Mean mean);
std::string name(Variance variance);
std::string name(Objective objective);
std::string name(LossWeight weight);
Mean parse_mean(const std::string& name);
Variance parse_variance(const std::string& name);
Objective parse_objective(const std::string& name);
LossWeight parse_loss_weight(const std::string& name);

/// Every setting, once: JSON, command line and tables follow.
void visit_fields(DiffusionSettings& settings, const FieldVisitor& visit);

void to_json(nlohmann::json& json, const DiffusionSettings& settings);
/// Strict: throws Error on unknown or missing fields, wrong types, unknown names and values out of range.
void from_json(const nlohmann::json& json, DiffusionSettings& settings);

}  // namespace iddpm
