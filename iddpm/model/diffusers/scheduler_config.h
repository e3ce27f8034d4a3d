#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "iddpm/diffusion/settings.h"

namespace iddpm::diffusers {

/// A scheduler's configuration, understood.
struct SchedulerConfig {
  DiffusionSettings diffusion;
  /// The options of `iddpm sample` that draw as the scheduler does: "--sampler ddim --steps leading50"; empty for
  /// samplers other than DDPM's and DDIM's, and where none do.
  std::string sampling = {};
};

/// A configuration of one of the schedulers that share DDPM's process, for a network that predicts a variance or not.
/// Throws Error of kind unsupported, beginning with `where` and naming the setting, for what can't be expressed.
SchedulerConfig read_scheduler_config(const nlohmann::json& config, bool predicts_variance, const std::string& where);

/// Our process as a configuration of DDPMScheduler. Throws Error of kind unsupported with the reason if there is none.
nlohmann::json write_scheduler_config(const DiffusionSettings& settings);

}  // namespace iddpm::diffusers
