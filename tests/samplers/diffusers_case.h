#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/diffusion/reverse_process.h"
#include "iddpm/samplers/thresholding.h"
#include "tests/golden_process.h"

namespace iddpm {

/// A golden case of the kind `scheduler`: how diffusers' configuration of a scheduler reads in this library's terms
/// (see tests/golden/README.md). Timesteps descend, as there.
class DiffusersCase {
 public:
  explicit DiffusersCase(const GoldenCase& golden)
      : golden_(golden), config_(golden.settings.at("config")), schedule_(read_schedule()) {
    if (golden.contains("noise_steps")) {
      const Tensor of_step = golden["noise_steps"];
      for (std::int64_t j = 0; j < of_step.numel(); ++j) noise_of_step_[of_step[j].item<std::int64_t>()] = j;
    }
  }

  std::string scheduler() const { return golden_.settings.at("scheduler").get<std::string>(); }
  std::int64_t steps() const { return golden_.settings.at("num_inference_steps").get<std::int64_t>(); }
  std::int64_t original_steps() const { return config_.at("num_train_timesteps").get<std::int64_t>(); }
  double eta() const { return golden_.settings.at("eta").is_null() ? 0.0 : golden_.settings.at("eta").get<double>(); }
  bool flag(const char* name) const {
    const auto found = config_.find(name);
    return found != config_.end() && found->is_boolean() && found->get<bool>();
  }
  std::string text(const char* name) const {
    const auto found = config_.find(name);
    return found != config_.end() && found->is_string() ? found->get<std::string>() : "";
  }
  std::int64_t order() const { return config_.at("solver_order").get<std::int64_t>(); }
  const NoiseSchedule& schedule() const { return schedule_; }

  Variance variance() const {
    const std::string type = text("variance_type");
    return type == "learned_range" ? Variance::learned_range
           : type == "fixed_large" ? Variance::fixed_large
                                   : Variance::fixed_small;
  }
  Mean mean() const {
    const std::string type = text("prediction_type");
    return type == "epsilon" ? Mean::epsilon : type == "sample" ? Mean::x_0 : Mean::velocity;
  }

  /// The noise drawn in a step, of the type of `like`; the run fails if it wants one that wasn't drawn.
  Tensor noise(std::int64_t step, const Tensor& like) const {
    return golden_["noises"][noise_of_step_.at(step)].to(like.scalar_type());
  }
  NoiseSource noise_source(const Tensor& x_T) const {
    return [this, x_T](std::int64_t draw) { return draw == 0 ? x_T : noise(draw - 1, x_T); };
  }
  bool draws_in(std::int64_t step) const { return noise_of_step_.count(step) > 0; }

  /// The cases' network: 0.9 x cos(t / 400), and sin(5 x) for a learned variance.
  Tensor network(const Tensor& x, const Tensor& t) const {
    const Tensor mean = 0.9 * x * at::cos(t.to(x.scalar_type()) / 400.0).view({-1, 1, 1, 1});
    return variance() == Variance::learned_range ? at::cat({mean, at::sin(5.0 * x)}, 1) : mean;
  }
  /// x_0 clipped or thresholded as configured.
  Tensor limited(const Tensor& x_0) const {
    if (flag("thresholding")) {
      return threshold(x_0, {.quantile = config_.at("dynamic_thresholding_ratio").get<double>(),
                             .greatest = config_.at("sample_max_value").get<double>()});
    }
    const double range = config_.value("clip_sample_range", 1.0);
    return flag("clip_sample") ? x_0.clamp(-range, range) : x_0;
  }

  /// Integer timesteps of the spacing; the library's own where diffusers adds no point.
  std::vector<std::int64_t> spaced() const {
    const auto count = static_cast<double>(steps());
    const auto T = static_cast<double>(original_steps());
    const std::string spacing = text("timestep_spacing");
    std::vector<std::int64_t> timesteps;
    if (is_solver() && spacing != "trailing") {  // one point more, without t = 0
      for (std::int64_t i = steps(); i >= 1; --i) {
        const auto k = static_cast<double>(i);
        timesteps.push_back(spacing == "linspace" ? static_cast<std::int64_t>(std::nearbyint(k * (T - 1.0) / count))
                                                  : i * (original_steps() / (steps() + 1)));
      }
    } else {
      timesteps = respaced_timesteps(original_steps(), fmt::format("{}{}", spacing, steps()));
      std::reverse(timesteps.begin(), timesteps.end());
    }
    if (spacing == "leading") {
      for (std::int64_t& t : timesteps) t += config_.at("steps_offset").get<std::int64_t>();
    }
    return timesteps;
  }

  /// What the classes with sigmas walk: timesteps, maybe fractional, and levels, one more.
  struct Walk {
    std::vector<double> timesteps;
    std::vector<double> sigmas;
  };
  Walk walk() const {
    std::vector<double> table;
    for (const double alpha_bar : schedule_.alpha_bar) table.push_back(std::sqrt((1.0 - alpha_bar) / alpha_bar));
    if (flag("rescale_betas_zero_snr")) table.back() = std::sqrt(std::ldexp(1.0, 24) - 1.0);
    Walk walk;
    for (const std::int64_t t : spaced()) walk.timesteps.push_back(static_cast<double>(t));
    if (!is_solver() && text("timestep_spacing") == "linspace") {
      for (std::int64_t i = 0; i < steps(); ++i) {
        walk.timesteps[static_cast<std::size_t>(i)] =
            static_cast<double>((steps() - 1 - i) * (original_steps() - 1)) / static_cast<double>(steps() - 1);
      }
    }
    for (const double t : walk.timesteps) walk.sigmas.push_back(interpolated(table, t));
    if (flag("use_karras_sigmas")) {
      walk.sigmas = is_solver() ? karras_ratios(table.back(), table.front(), steps())
                                : karras_ratios(walk.sigmas.front(), walk.sigmas.back(), steps());
      for (std::size_t i = 0; i < walk.sigmas.size(); ++i) walk.timesteps[i] = timestep_of(table, walk.sigmas[i]);
    }
    walk.sigmas.push_back(text("final_sigmas_type") == "sigma_min" ? table.front() : 0.0);
    return walk;
  }

 private:
  bool is_solver() const { return contains_text(scheduler(), "Multistep"); }
  static bool contains_text(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

  NoiseSchedule read_schedule() const {
    const std::string name = config_.at("beta_schedule").get<std::string>();
    const double first = config_.at("beta_start").get<double>();
    const double last = config_.at("beta_end").get<double>();
    const std::int64_t T = original_steps();
    std::vector<double> betas;
    for (std::int64_t t = 0; t < T; ++t) {
      const double fraction = static_cast<double>(t) / static_cast<double>(T - 1);
      const double root = std::sqrt(first) + fraction * (std::sqrt(last) - std::sqrt(first));
      betas.push_back(name == "scaled_linear" ? root * root : first + fraction * (last - first));
    }
    NoiseSchedule schedule =
        name == "squaredcos_cap_v2" ? cosine_schedule({.steps = T}) : NoiseSchedule(std::move(betas));
    return flag("rescale_betas_zero_snr") ? zero_terminal_snr(schedule) : schedule;
  }

  static double interpolated(const std::vector<double>& table, double t) {
    const auto below = std::min(static_cast<std::size_t>(t), table.size() - 2);
    const double share = t - static_cast<double>(below);
    return table[below] + share * (table[below + 1] - table[below]);
  }
  // By interpolation in log sigma; the solvers' are integers.
  double timestep_of(const std::vector<double>& table, double sigma) const {
    std::size_t below = 0;
    while (below + 2 < table.size() && table[below + 1] <= sigma) ++below;
    const double low = std::log(table[below]), high = std::log(table[below + 1]);
    const double t = static_cast<double>(below) + std::clamp((std::log(sigma) - low) / (high - low), 0.0, 1.0);
    if (!is_solver()) return t;
    const bool cut = contains_text(scheduler(), "DPM") && text("beta_schedule") == "squaredcos_cap_v2";
    return cut ? std::floor(t) : std::nearbyint(t);
  }

  const GoldenCase& golden_;
  nlohmann::json config_;
  NoiseSchedule schedule_;
  std::map<std::int64_t, std::int64_t> noise_of_step_;
};

}  // namespace iddpm
