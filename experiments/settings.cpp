#include "experiments/settings.h"

#include <nlohmann/json.hpp>

namespace iddpm::experiments {

Scale full_scale() {
  return {.diffusion_steps = 4000,
          .channels = 128,
          .residual_blocks = 3,
          .channel_multipliers = {1, 2, 2, 2},
          .attention_resolutions = {16, 8},
          .training_steps = 500'000,
          .batch = 128,
          .learning_rate = 1e-4,
          .ema_rate = 0.9999,
          .checkpoints = 10,
          .samples = 50'000,
          .step_samples = 10'000,
          .most_evaluations = 100,
          .reference_images = 50'000,
          .sampling_steps = 250,
          .likelihood_images = 10'000,
          .feature_steps = 20'000,
          .noise_batches = 512};
}

void to_json(nlohmann::json& json, const Scale& scale) {
  json = {{"diffusion_steps", scale.diffusion_steps},
          {"channels", scale.channels},
          {"residual_blocks", scale.residual_blocks},
          {"channel_multipliers", scale.channel_multipliers},
          {"training_steps", scale.training_steps},
          {"batch", scale.batch},
          {"learning_rate", scale.learning_rate},
          {"ema_rate", scale.ema_rate},
          {"checkpoints", scale.checkpoints},
          {"samples", scale.samples},
          {"step_samples", scale.step_samples},
          {"most_evaluations", scale.most_evaluations},
          {"reference_images", scale.reference_images},
          {"sampling_steps", scale.sampling_steps},
          {"likelihood_images", scale.likelihood_images},
          {"feature_steps", scale.feature_steps},
          {"noise_batches", scale.noise_batches}};
}

}  // namespace iddpm::experiments
