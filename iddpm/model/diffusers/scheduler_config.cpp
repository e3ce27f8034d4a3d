#include "iddpm/model/diffusers/scheduler_config.h"

#include <algorithm>
#include <array>

#include "iddpm/model/diffusers/config_reader.h"

namespace iddpm::diffusers {
namespace {

constexpr double default_first_beta = 1e-4;
constexpr double default_last_beta = 0.02;

// Of those that take betas and a kind of prediction; what they do with them is a sampler's business.
struct KnownScheduler {
  const char* name;
  double first_beta = default_first_beta;
  double last_beta = default_last_beta;
  bool clips = false;  // unless it is told otherwise
};
constexpr std::array known_schedulers = {
    KnownScheduler{.name = "DDPMScheduler", .clips = true},
    KnownScheduler{.name = "DDIMScheduler", .clips = true},
    KnownScheduler{.name = "PNDMScheduler"},
    KnownScheduler{.name = "DPMSolverMultistepScheduler"},
    KnownScheduler{.name = "UniPCMultistepScheduler"},
    KnownScheduler{.name = "DEISMultistepScheduler"},
    KnownScheduler{.name = "EulerDiscreteScheduler"},
    KnownScheduler{.name = "EulerAncestralDiscreteScheduler"},
    KnownScheduler{.name = "HeunDiscreteScheduler", .first_beta = 0.00085, .last_beta = 0.012},
};

KnownScheduler scheduler_of(const ConfigReader& config) {
  const auto name = config.get<std::string>("_class_name", "DDPMScheduler");
  const auto found = std::find_if(known_schedulers.begin(), known_schedulers.end(),
                                  [&](const KnownScheduler& known) { return name == known.name; });
  if (found != known_schedulers.end()) return *found;
  std::vector<std::string> names;
  for (const KnownScheduler& known : known_schedulers) names.emplace_back(known.name);
  fail(ErrorKind::unsupported, "{}: the scheduler {} has another process; expected one of {}", config.where(),
       quote(name), fmt::join(names, ", "));
}

void read_betas(const ConfigReader& config, const KnownScheduler& scheduler, DiffusionSettings& settings) {
  config.refuse_other_than("trained_betas", nlohmann::json(), "a schedule is named here, not listed");
  settings.steps = config.get<std::int64_t>("num_train_timesteps", 1000);
  require(settings.steps >= 1 && settings.steps <= max_schedule_steps,
          "{}: num_train_timesteps is {}; expected 1 to {}", config.where(), settings.steps, max_schedule_steps);
  const auto schedule = config.get<std::string>("beta_schedule", "linear");
  if (schedule == "squaredcos_cap_v2") {
    settings.schedule = "cosine";
  } else {
    require(schedule == "linear" || schedule == "scaled_linear", ErrorKind::unsupported,
            "{}: beta_schedule is {}; expected linear, scaled_linear or squaredcos_cap_v2", config.where(),
            quote(schedule));
    settings.schedule = schedule;
    settings.first_beta = config.get<double>("beta_start", scheduler.first_beta);
    settings.last_beta = config.get<double>("beta_end", scheduler.last_beta);
    require(settings.first_beta > 0 && settings.last_beta > 0, "{}: beta_start is {} and beta_end {}; expected above 0",
            config.where(), settings.first_beta, settings.last_beta);
    // The published schedule by its own name.
    if (settings.steps == 1000 && settings.first_beta == default_first_beta &&
        settings.last_beta == default_last_beta) {
      settings.first_beta = settings.last_beta = 0;
    }
  }
  settings.zero_terminal_snr = config.get<bool>("rescale_betas_zero_snr", false);
}

Mean read_prediction(const ConfigReader& config) {
  // What the first versions had instead of prediction_type.
  const bool legacy_x_0 = !config.get_or_null<bool>("predict_epsilon", true, true);
  const auto type = config.get<std::string>("prediction_type", legacy_x_0 ? "sample" : "epsilon");
  if (type == "epsilon") return Mean::epsilon;
  if (type == "sample") return Mean::x_0;
  require(type == "v_prediction", ErrorKind::unsupported,
          "{}: prediction_type is {}; expected epsilon, sample or v_prediction", config.where(), quote(type));
  return Mean::velocity;
}

Variance read_variance(const ConfigReader& config, bool predicts_variance) {
  const bool names_one = config.contains("variance_type") && !config.is_null("variance_type");
  // A scheduler that names none leaves a predicted variance unused, or draws the posterior's.
  if (!names_one) return predicts_variance ? Variance::learned_range : Variance::fixed_small;
  const auto type = config.get<std::string>("variance_type", "fixed_small");
  const bool learned = type == "learned_range";
  require(learned || type == "fixed_small" || type == "fixed_small_log" || type == "fixed_large" ||
              type == "fixed_large_log",
          ErrorKind::unsupported, "{}: variance_type is {}; expected fixed_small, fixed_large or learned_range",
          config.where(), quote(type));
  require(learned == predicts_variance, "{}: variance_type is {}, but the network {} a variance", config.where(),
          quote(type), predicts_variance ? "predicts" : "doesn't predict");
  if (learned) return Variance::learned_range;
  return type.starts_with("fixed_small") ? Variance::fixed_small : Variance::fixed_large;
}

std::string sampling_options(const ConfigReader& config, const std::string& scheduler, std::int64_t steps) {
  const bool ancestral = scheduler == "DDPMScheduler";
  if (!ancestral && scheduler != "DDIMScheduler") return {};
  // Its last step then ends at the noise of t = 0, ours at an image.
  if (!ancestral && !config.get<bool>("set_alpha_to_one", true)) return {};
  const auto spacing = config.get<std::string>("timestep_spacing", "leading");
  if (spacing != "leading" && spacing != "linspace" && spacing != "trailing") return {};
  const auto offset = config.get_or_null<std::int64_t>("steps_offset", 0, 0);
  constexpr std::int64_t usual_ddim_steps = 50;
  const std::int64_t count = ancestral ? steps : std::min(usual_ddim_steps, steps);
  std::string options = fmt::format("--sampler {} --steps {}{}", ancestral ? "ancestral" : "ddim", spacing, count);
  // With as many steps as timesteps there is no room for it.
  if (spacing == "leading" && offset > 0 && count < steps) options += fmt::format("+{}", offset);
  const bool thresholds = config.get<bool>("thresholding", false);
  // Divided by at most 1, thresholding is clipping.
  if (thresholds && config.get<double>("sample_max_value", 1.0) > 1.0) {
    options += fmt::format(" --threshold {}", config.get<double>("dynamic_thresholding_ratio", 0.995));
  }
  return options;
}

}  // namespace

SchedulerConfig read_scheduler_config(const nlohmann::json& json, bool predicts_variance, const std::string& where) {
  const ConfigReader config(json, where);
  const KnownScheduler scheduler = scheduler_of(config);
  SchedulerConfig read;
  DiffusionSettings& settings = read.diffusion;
  read_betas(config, scheduler, settings);
  settings.mean = read_prediction(config);
  settings.variance = read_variance(config, predicts_variance);
  settings.rescale_timesteps = false;
  settings.objective = is_learned(settings.variance) ? Objective::hybrid : Objective::simple;
  const bool clips = config.get_or_null<bool>("clip_sample", scheduler.clips, scheduler.clips);
  settings.clip_x_0 = clips ? config.get<double>("clip_sample_range", 1.0) : 0.0;
  require(settings.clip_x_0 >= 0 && settings.clip_x_0 <= 1e6, "{}: clip_sample_range is {}; expected 0 to 1e6", where,
          settings.clip_x_0);
  read.sampling = sampling_options(config, scheduler.name, settings.steps);
  try {
    (void)reverse_process(settings);
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", where, error.what());
  }
  return read;
}

nlohmann::json write_scheduler_config(const DiffusionSettings& settings) {
  require(!settings.rescale_timesteps || settings.steps == 1000, ErrorKind::unsupported,
          "diffusers' schedulers tell the network t itself, but this one is told t * 1000 / {} (rescale_timesteps)",
          settings.steps);
  require(settings.mean != Mean::previous_x, ErrorKind::unsupported,
          "diffusers' schedulers know no network that predicts x_{{t-1}} (mean is previous_x)");
  require(settings.variance != Variance::learned, ErrorKind::unsupported,
          "diffusers' schedulers know no variance that is the network's own (variance is learned, not learned_range)");
  const bool cosine = settings.schedule == "cosine";
  const bool published = settings.first_beta == 0;
  const double scale = 1000.0 / static_cast<double>(settings.steps);
  const double last = published ? default_last_beta * scale : settings.last_beta;
  require(cosine || !published || last <= 0.999, ErrorKind::unsupported,
          "diffusers' schedulers know no linear schedule of {} steps whose betas are limited to 0.999", settings.steps);
  const char* variance = settings.variance == Variance::learned_range ? "learned_range"
                         : settings.variance == Variance::fixed_small ? "fixed_small"
                                                                      : "fixed_large";
  const char* prediction = settings.mean == Mean::epsilon ? "epsilon"
                           : settings.mean == Mean::x_0   ? "sample"
                                                          : "v_prediction";
  return {{"_class_name", "DDPMScheduler"},
          {"num_train_timesteps", settings.steps},
          {"beta_schedule", cosine ? "squaredcos_cap_v2" : settings.schedule},
          {"beta_start", published ? default_first_beta * (cosine ? 1.0 : scale) : settings.first_beta},
          {"beta_end", cosine ? default_last_beta : last},
          {"trained_betas", nullptr},
          {"variance_type", variance},
          {"clip_sample", settings.clip_x_0 > 0},
          {"clip_sample_range", settings.clip_x_0 > 0 ? settings.clip_x_0 : 1.0},
          {"prediction_type", prediction},
          {"thresholding", false},
          {"dynamic_thresholding_ratio", 0.995},
          {"sample_max_value", 1.0},
          {"timestep_spacing", "leading"},
          {"steps_offset", 0},
          {"rescale_betas_zero_snr", settings.zero_terminal_snr}};
}

}  // namespace iddpm::diffusers
