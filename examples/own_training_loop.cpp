// A training loop of one's own, with an average of the weights, that ends in a model file `iddpm sample` can draw from.
// The library's Trainer does more: exact resuming, microbatches, logs.

#include <iddpm/iddpm.h>

#include <cstdio>

using namespace iddpm;

// Images of one grey each, dark to light.
std::shared_ptr<const Dataset> greys() {
  const Tensor levels = at::arange(0, 256, 4, at::kByte).view({-1, 1, 1, 1});
  return in_memory_dataset(
      {.images = levels.expand({-1, 1, 8, 8}).contiguous(), .labels = {}, .class_names = {}, .source = "greys"});
}

int main() {
  ModelSettings settings;
  settings.network = resolved({.image_height = 8,
                               .image_width = 8,
                               .image_channels = 1,
                               .channels = 32,
                               .residual_blocks = 1,
                               .channel_multipliers = {1, 1},
                               .attention_resolutions = {}});
  settings.diffusion.steps = 100;
  settings.diffusion.mean = Mean::velocity;

  const UNet network(settings.network);
  const ReverseProcess p_theta = reverse_process(settings.diffusion);
  const UniformTimesteps timesteps(p_theta.steps());
  RandomStream random(/*seed=*/0, StreamPurpose::training_timesteps);
  BatchLoader loader(greys(), {.batch = 16});
  AdamW optimizer(network.parameters(), {.learning_rate = 1e-3});
  NamedParameters average;
  for (const auto& [name, values] : network.parameters()) average.emplace_back(name, values.detach().clone());

  constexpr int steps = 20;
  constexpr double ema_rate = 0.9;
  for (int step = 0; step < steps; ++step) {
    const Tensor x_0 = loader.next().x_0;
    const auto [t, weight] = timesteps.sample(x_0.size(0), random);
    const Tensor loss = (weight * hybrid_loss(p_theta, network, x_0, t, at::randn_like(x_0))).mean();
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();

    const at::NoGradGuard no_gradients;
    const NamedParameters parameters = network.parameters();
    for (std::size_t i = 0; i < average.size(); ++i) average[i].second.lerp_(parameters[i].second, 1 - ema_rate);
    if (step % 5 == 0) std::printf("step %d, loss %.4f\n", step, loss.item<double>());
  }

  save_checkpoint("own_training_loop.safetensors",
                  {.settings = settings, .step = steps, .ema_rates = {ema_rate}, .origin = "greys"},
                  {.raw = network.parameters(), .emas = {average}});
  std::printf("own_training_loop.safetensors: now 'iddpm sample own_training_loop.safetensors --out greys/'\n");
}
