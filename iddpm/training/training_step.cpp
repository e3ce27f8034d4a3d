#include "iddpm/training/training_step.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/model/low_resolution.h"

namespace iddpm {
namespace {

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

// The classes [N], each left out with the given probability.
Tensor classes_but_for_dropped(const Tensor& y, double probability, std::vector<RandomStream> streams) {
  const Tensor classes = at::empty_like(y, at::TensorOptions(at::kCPU), at::MemoryFormat::Contiguous).copy_(y);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].uniform() < probability) classes.data_ptr<std::int64_t>()[i] = no_class;
  }
  return classes;
}

Tensor rows(const Tensor& tensor, std::int64_t begin, std::int64_t count) {
  return tensor.defined() ? tensor.narrow(0, begin, count) : Tensor();
}

// The mean of `weighted` [N], on the host.
double mean_of(const Tensor& weighted) { return *weighted.mean().data_ptr<float>(); }

// By the quarter of 0 .. steps - 1 in which t is.
std::array<std::optional<double>, 4> means_by_quartile(const Tensor& weighted, const Timesteps& t, std::int64_t steps) {
  std::array<double, 4> sum{};
  std::array<std::int64_t, 4> count{};
  for (std::int64_t i = 0; i < t.size(); ++i) {
    const auto quartile = static_cast<std::size_t>(4 * t.values()[static_cast<std::size_t>(i)] / steps);
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

StepDraws draw(const Batch& batch, const TrainingOptions& options, const UNetOptions& network,
               const TimestepSampler& sampler, at::Device device) {
  auto timestep_streams = streams_of(options.seed, StreamPurpose::training_timesteps, batch);
  auto noise_streams = streams_of(options.seed, StreamPurpose::training_noise, batch);
  SampledTimesteps sampled = sampler.sample(timestep_streams);
  StepDraws draws = {.t = std::move(sampled.t),
                     .weight = sampled.weight.to(device, /*non_blocking=*/true),
                     .noise = normal_per_image(noise_streams, batch.x_0.sizes().slice(1), device)};
  if (network.dropout > 0) {
    draws.dropout_keys =
        draw_dropout_keys(streams_of(options.seed, StreamPurpose::dropout, batch)).to(device, /*non_blocking=*/true);
  }
  if (network.classes > 0) {
    const Tensor y = network.class_dropout > 0
                         ? classes_but_for_dropped(batch.y, network.class_dropout,
                                                   streams_of(options.seed, StreamPurpose::class_dropout, batch))
                         : batch.y;
    draws.y = y.to(device, /*non_blocking=*/true);
  }
  if (network.super_resolution) {
    draws.low_resolution = with_low_resolution_noise(low_resolution_of(batch.x_0.to(device), network), network,
                                                     streams_of(options.seed, StreamPurpose::low_resolution, batch));
  }
  return draws;
}

ImageLosses backward(const Batch& batch, const StepDraws& draws, const UNet& network, const TrainingLosses& losses,
                     std::int64_t microbatch, const StepImages& step_images, GradientReduction& reduction) {
  const std::int64_t images = batch.x_0.size(0);
  const at::Device device = network.device();
  const Tensor x_0 = batch.x_0.to(device, /*non_blocking=*/true);
  draws.t.on(device);  // once for all microbatches
  std::vector<Tensor> total, mse, vb;
  for (std::int64_t begin = 0; begin < images; begin += microbatch) {
    const std::int64_t count = std::min(microbatch, images - begin);
    Condition condition;
    condition.y = rows(draws.y, begin, count);
    condition.low_resolution = rows(draws.low_resolution, begin, count);
    condition.dropout_keys = rows(draws.dropout_keys, begin, count);
    const LossTerms terms = losses(conditioned(network, condition), rows(x_0, begin, count), draws.t.rows(begin, count),
                                   rows(draws.noise, begin, count));
    const Tensor loss = (terms.total * rows(draws.weight, begin, count)).sum() / static_cast<double>(step_images.all);
    if (begin + count == images) reduction.start();
    loss.backward();
    total.push_back(terms.total.detach());
    if (terms.mse.defined()) mse.push_back(terms.mse.detach());
    if (terms.vb.defined()) vb.push_back(terms.vb.detach());
  }
  const auto joined = [](const std::vector<Tensor>& parts) {
    return parts.empty() ? Tensor() : at::cat(parts).to(at::kFloat);
  };
  return {.total = joined(total), .mse = joined(mse), .vb = joined(vb)};
}

StepFigures reduce(const StepDraws& draws, const ImageLosses& losses, std::int64_t steps,
                   const NamedParameters& parameters, const StepImages& step_images, GradientReduction& reduction,
                   ProcessGroup& group) {
  const at::NoGradGuard no_gradients;
  reduction.finish();
  std::vector<Tensor> columns = {draws.t.on(losses.total.device()), draws.weight, losses.total};
  for (const Tensor& part : {losses.mse, losses.vb}) {
    if (part.defined()) columns.push_back(part);
  }
  for (Tensor& column : columns) column = column.to(at::kDouble);
  const Tensor own = at::stack(columns, 1);
  const Tensor norm = gradient_norm(parameters).view(1).to(own.device());
  // Nobody else has anything where a process has its rows, and the norm is rank 0's: the sum is exact.
  const Tensor table = at::zeros({step_images.all, own.size(1)}, own.options());
  table.narrow(0, step_images.first, own.size(0)).copy_(own);
  const Tensor exchanged = at::cat({table.flatten(), group.is_first() ? norm : at::zeros_like(norm)});
  const Tensor on_host = group.sum(exchanged, "the figures of the step");

  const std::int64_t images = table.size(0);
  const Tensor image_figures = on_host.narrow(0, 0, table.numel()).view({images, -1});
  std::int64_t next = 1;
  const auto column = [&] { return image_figures.select(1, next++).to(at::kFloat); };
  const Tensor weight = column(), total = column();
  const auto weighted_mean = [&](const Tensor& part) {
    return part.defined() ? std::optional(mean_of(column() * weight)) : std::nullopt;
  };
  const Tensor weighted = total * weight;
  StepFigures figures = {.t = image_figures.select(1, 0).to(at::kLong), .losses = total};
  figures.loss = mean_of(weighted);
  figures.mse = weighted_mean(losses.mse);
  figures.vb = weighted_mean(losses.vb);
  figures.loss_by_quartile = means_by_quartile(weighted, figures.t, steps);
  figures.gradient_norm = on_host.data_ptr<double>()[table.numel()];
  return figures;
}

void update(const NamedParameters& parameters, OptimizerState& state, const TrainingOptions& options,
            std::int64_t steps_done, double learning_rate, double gradient_norm) {
  OptimizerStep step = {.steps_done = steps_done,
                        .learning_rate = learning_rate,
                        .weight_decay = options.weight_decay,
                        .gradient_factor = clipping_factor(gradient_norm, options.gradient_clip)};
  for (const double rate : options.ema_rates) {
    step.ema_rates.push_back(ema_rate_at(rate, steps_done, options.ema_warmup));
  }
  optimizer_step(parameters, state, step);
}

}  // namespace iddpm
