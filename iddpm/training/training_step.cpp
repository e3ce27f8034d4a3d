// One step: losses and gradients of the batch, then the optimiser.

#include <array>
#include <cmath>

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/losses.h"
#include "iddpm/training/gradient.h"
#include "iddpm/training/learning_rate.h"
#include "iddpm/training/trainer_state.h"

namespace iddpm {
namespace {

/// All that is random in a step. Row i belongs to example first_example + i, whatever batch it comes in.
struct Draws {
  SampledTimesteps timesteps;
  Tensor noise;              ///< [N, C, H, W]
  Tensor dropout_keys = {};  ///< [N] int64; undefined without dropout
};

/// Per image, on the CPU, in the order of the batch.
struct BatchLosses {
  Tensor total;  ///< unweighted
  Tensor mse;    ///< undefined where the objective has none
  Tensor vb;
};

std::vector<RandomStream> streams_of(std::uint64_t seed, StreamPurpose purpose, const Batch& batch) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < batch.x_0.size(0); ++i) {
    streams.emplace_back(seed, purpose, static_cast<std::uint64_t>(batch.first_example + i));
  }
  return streams;
}

Tensor draw_dropout_keys(std::vector<RandomStream> streams) {
  const Tensor keys = at::empty({static_cast<std::int64_t>(streams.size())}, at::kLong);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const std::uint64_t high = streams[i].bits();
    keys.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>((high << 32) | streams[i].bits());
  }
  return keys;
}

Draws draw(const Batch& batch, const TrainingOptions& options, const UNetOptions& network,
           const TimestepSampler& sampler, at::Device device) {
  auto timestep_streams = streams_of(options.seed, StreamPurpose::training_timesteps, batch);
  auto noise_streams = streams_of(options.seed, StreamPurpose::training_noise, batch);
  Draws draws = {.timesteps = sampler.sample(timestep_streams),
                 .noise = normal_per_image(noise_streams, batch.x_0.sizes().slice(1), device)};
  if (network.dropout > 0) {
    draws.dropout_keys = draw_dropout_keys(streams_of(options.seed, StreamPurpose::dropout, batch)).to(device);
  }
  return draws;
}

void check_batch(const Batch& batch, const UNetOptions& network, std::int64_t examples_seen) {
  const std::array<std::int64_t, 3> shape = {network.image_channels, network.image_height, network.image_width};
  require(batch.x_0.defined() && batch.x_0.dim() == 4 && batch.x_0.size(0) > 0 &&
              batch.x_0.sizes().slice(1) == at::IntArrayRef(shape),
          "Trainer::step: expected images of shape {}, got a batch of {}", format_shape(shape),
          batch.x_0.defined() ? format_shape(batch.x_0.sizes()) : "nothing");
  require(batch.first_example == examples_seen,
          "Trainer::step: expected the batch that begins at example {}, got one that begins at {}", examples_seen,
          batch.first_example);
  require(network.classes == 0 || (batch.y.defined() && batch.y.dim() == 1 && batch.y.size(0) == batch.x_0.size(0)),
          "Trainer::step: the network has {} classes; expected a class for each of {} images", network.classes,
          batch.x_0.size(0));
}

Tensor rows(const Tensor& tensor, std::int64_t begin, std::int64_t count) {
  return tensor.defined() ? tensor.narrow(0, begin, count) : Tensor();
}

/// Adds the gradient of the weighted mean loss to the parameters' and returns the losses. Microbatches share it by the
/// number of their images, and each graph is gone before the next is built.
BatchLosses accumulate_gradients(const Batch& batch, const Draws& draws, const UNet& network,
                                 const ReverseProcess& p_theta, const DiffusionSettings& diffusion,
                                 std::int64_t microbatch) {
  const std::int64_t images = batch.x_0.size(0);
  const at::Device device = network.device();
  const Tensor x_0 = batch.x_0.to(device);
  const Tensor y = network.options().classes > 0 ? batch.y.to(device) : Tensor();
  const Tensor t = draws.timesteps.t.to(device);
  const Tensor weight = draws.timesteps.weight.to(device);
  std::vector<Tensor> total, mse, vb;
  for (std::int64_t begin = 0; begin < images; begin += microbatch) {
    const std::int64_t count = std::min(microbatch, images - begin);
    Condition condition;
    condition.y = rows(y, begin, count);
    condition.dropout_keys = rows(draws.dropout_keys, begin, count);
    const LossTerms losses =
        training_losses(p_theta, conditioned(network, condition), rows(x_0, begin, count), rows(t, begin, count),
                        rows(draws.noise, begin, count), diffusion.objective, diffusion.weighting);
    ((losses.total * rows(weight, begin, count)).sum() / static_cast<double>(images)).backward();
    total.push_back(losses.total.detach());
    if (losses.mse.defined()) mse.push_back(losses.mse.detach());
    if (losses.vb.defined()) vb.push_back(losses.vb.detach());
  }
  const auto joined = [](const std::vector<Tensor>& parts) {
    return parts.empty() ? Tensor() : at::cat(parts).to(at::kCPU, at::kFloat);
  };
  return {.total = joined(total), .mse = joined(mse), .vb = joined(vb)};
}

std::optional<double> weighted_mean(const Tensor& losses, const Tensor& weight) {
  if (!losses.defined()) return std::nullopt;
  return (losses * weight).mean().item<double>();
}

std::array<std::optional<double>, 4> means_by_quartile(const Tensor& losses, const SampledTimesteps& timesteps,
                                                       std::int64_t steps) {
  std::array<double, 4> sum{};
  std::array<std::int64_t, 4> count{};
  const Tensor weighted = (losses * timesteps.weight).contiguous();
  for (std::int64_t i = 0; i < weighted.numel(); ++i) {
    const auto quartile = static_cast<std::size_t>(4 * timesteps.t.data_ptr<std::int64_t>()[i] / steps);
    sum[quartile] += weighted.data_ptr<float>()[i];
    ++count[quartile];
  }
  std::array<std::optional<double>, 4> means;
  for (std::size_t k = 0; k < means.size(); ++k) {
    if (count[k] > 0) means[k] = sum[k] / static_cast<double>(count[k]);
  }
  return means;
}

}  // namespace

StepResult Trainer::step(const Batch& batch) {
  State& state = *state_;
  check_batch(batch, state.settings.network, state.examples_seen);
  const std::int64_t images = batch.x_0.size(0);
  const std::int64_t microbatch = state.options.microbatch > 0 ? state.options.microbatch : images;
  const Draws draws = draw(batch, state.options, state.settings.network, *state.timesteps, state.network.device());
  const GradientScope gradients(state.parameters);
  const BatchLosses losses =
      accumulate_gradients(batch, draws, state.network, state.p_theta, state.settings.diffusion, microbatch);

  // With several processes, the gradients of their shares of the batch are averaged here: once per step, before the
  // norm is taken.
  StepResult result = {.step = state.step + 1,
                       .loss = *weighted_mean(losses.total, draws.timesteps.weight),
                       .mse = weighted_mean(losses.mse, draws.timesteps.weight),
                       .vb = weighted_mean(losses.vb, draws.timesteps.weight),
                       .loss_by_quartile = means_by_quartile(losses.total, draws.timesteps, state.p_theta.steps()),
                       .gradient_norm = gradient_norm(state.parameters),
                       .learning_rate = learning_rate_at(state.options, state.step, state.seconds_trained),
                       .images = images};
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm)) {
    throw NotFiniteError(fmt::format("the {} of step {} is {}; expected a finite number",
                                     std::isfinite(result.loss) ? "gradient's norm" : "loss", result.step,
                                     std::isfinite(result.loss) ? result.gradient_norm : result.loss));
  }

  OptimizerStep update = {.steps_done = state.step,
                          .learning_rate = result.learning_rate,
                          .weight_decay = state.options.weight_decay,
                          .gradient_factor = clipping_factor(result.gradient_norm, state.options.gradient_clip)};
  for (const double rate : state.options.ema_rates) {
    update.ema_rates.push_back(ema_rate_at(rate, state.step, state.options.ema_warmup));
  }
  optimizer_step(state.parameters, state.optimizer, update);
  state.timesteps->record(draws.timesteps.t, losses.total);
  ++state.step;
  state.examples_seen += images;
  add(state.data_pixels, batch.x_0);
  return result;
}

}  // namespace iddpm
