#include "iddpm/training/presets.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

// Common to the paper's runs, as improved-diffusion's README and the defaults of its flags give them.
TrainingOptions paper_training(std::int64_t batch, double learning_rate) {
  return {
      .batch = batch, .learning_rate = learning_rate, .gradient_clip = 0, .ema_rates = {0.9999}, .ema_warmup = false};
}

UNetOptions square_rgb(std::int64_t size, std::int64_t channels, std::int64_t residual_blocks) {
  return {.image_height = size,
          .image_width = size,
          .image_channels = 3,
          .channels = channels,
          .residual_blocks = residual_blocks,
          .channel_multipliers = default_channel_multipliers(size),
          .attention_resolutions = {16, 8},
          .heads = 4,
          .predict_variance = true};
}

// The prediction whose samples have the data's colours after minutes of training, with L_simple's weight of noise
// levels: docs/results.md.
DiffusionSettings quick_diffusion(std::int64_t steps) {
  return {.schedule = "cosine", .steps = steps, .mean = Mean::velocity, .weighting = {.weight = LossWeight::simple}};
}

Preset with_vlb(Preset preset, std::string summary) {
  preset.name += "-vlb";
  preset.summary = std::move(summary);
  preset.model.diffusion.objective = Objective::vlb;
  preset.training.timesteps = TimestepSampling::importance;
  return preset;
}

// Runs whose flags were --rescale_learned_sigmas False --rescale_timesteps False.
DiffusionSettings unscaled(std::string schedule, std::int64_t steps) {
  return {.schedule = std::move(schedule), .steps = steps, .rescale_timesteps = false, .objective = Objective::simple};
}

Preset cifar10() {
  UNetOptions network = square_rgb(32, 128, 3);
  network.dropout = 0.3;
  return {.name = "cifar10",
          .summary = "the paper's unconditional CIFAR-10 run with L_hybrid (50 M parameters)",
          .model = {.network = network, .diffusion = {.schedule = "cosine", .steps = 4000}},
          .training = paper_training(128, 1e-4)};
}

Preset imagenet64() {
  return {.name = "imagenet64",
          .summary = "the paper's unconditional ImageNet 64x64 run with L_hybrid (100 M parameters)",
          .model = {.network = square_rgb(64, 128, 3), .diffusion = {.schedule = "cosine", .steps = 4000}},
          .training = paper_training(128, 1e-4)};
}

Preset imagenet64_conditional() {
  UNetOptions network = square_rgb(64, 192, 3);
  network.classes = 1000;
  return {.name = "imagenet64-cond",
          .summary = "the paper's class-conditional ImageNet 64x64 run (270 M parameters)",
          .model = {.network = network, .diffusion = unscaled("cosine", 4000)},
          .training = paper_training(2048, 3e-4)};
}

Preset lsun_bedroom() {
  UNetOptions network = square_rgb(256, 128, 2);
  network.heads = 1;
  network.attention_resolutions.assign(1, 16);
  network.scale_shift_norm = false;
  return {.name = "lsun-bedroom",
          .summary = "the paper's LSUN bedroom 256x256 run (100 M parameters)",
          .model = {.network = network, .diffusion = unscaled("linear", 1000)},
          .training = paper_training(128, 1e-4)};
}

Preset upsample256() {
  UNetOptions network = square_rgb(256, 192, 2);
  network.classes = 1000;
  network.super_resolution = true;
  network.low_resolution = 64;
  return {.name = "upsample256",
          .summary = "the paper's class-conditional 64x64 to 256x256 upsampler for ImageNet (280 M parameters)",
          .model = {.network = network, .diffusion = unscaled("linear", 4000)},
          .training = paper_training(256, 3e-4)};
}

Preset fashion_mnist() {
  return {.name = "fashion-mnist",
          .summary = "Fashion-MNIST by class in minutes on two processor cores (L_hybrid, cosine)",
          .model = {.network = {.image_height = 28,
                                .image_width = 28,
                                .image_channels = 1,
                                .channels = 32,
                                .residual_blocks = 2,
                                .channel_multipliers = {1, 2, 2},
                                .attention_resolutions = std::vector<std::int64_t>(1, 7),
                                .heads = 4,
                                .classes = 10,
                                .predict_variance = true},
                    .diffusion = quick_diffusion(1000),
                    .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                                    "Bag", "Ankle boot"}},
          .training = {.batch = 32,
                       .learning_rate = 1e-3,
                       .warmup_steps = 100,
                       .decay = LearningRateDecay::linear,
                       .decay_minutes = 10,  // a run's own length replaces it
                       .ema_rates = {0.999}}};
}

Preset small() {
  return {.name = "small",
          .summary = "32x32 colour images of one's own on a small machine (2.5 M parameters)",
          .model = {.network = square_rgb(32, 32, 2), .diffusion = quick_diffusion(1000)},
          .training = {.batch = 32, .learning_rate = 5e-4, .warmup_steps = 100, .ema_rates = {0.999}},
          .classes_from_data = true};
}

Preset tiny() {
  return {.name = "tiny",
          .summary = "16x16 grey images in seconds, for trying things out",
          .model = {.network = {.image_height = 16,
                                .image_width = 16,
                                .image_channels = 1,
                                .channels = 32,
                                .residual_blocks = 1,
                                .channel_multipliers = {1, 1},
                                .attention_resolutions = {8},
                                .heads = 2,
                                .predict_variance = true},
                    .diffusion = quick_diffusion(100)},
          .training = {.batch = 16, .learning_rate = 1e-3, .ema_rates = {0.99}},
          .classes_from_data = true};
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      fashion_mnist(),
      small(),
      tiny(),
      cifar10(),
      with_vlb(cifar10(), "the paper's unconditional CIFAR-10 run with L_vlb and importance sampling"),
      imagenet64(),
      with_vlb(imagenet64(), "the paper's unconditional ImageNet 64x64 run with L_vlb and importance sampling"),
      imagenet64_conditional(),
      lsun_bedroom(),
      upsample256(),
  };
  return all;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

const Preset& find_preset(const std::string& name) {
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
  }
  const std::vector<std::string> names = preset_names();
  fail("there is no preset {}.{} The presets are {}", quote(name), did_you_mean(name, names), fmt::join(names, ", "));
}

}  // namespace iddpm
