// A trainer that goes on together with those of other processes.

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/training/trainer_state.h"

namespace iddpm {
namespace {

void take_from_first(NamedParameters& tensors, ProcessGroup& group) {
  const at::NoGradGuard no_gradients;
  for (auto& [name, tensor] : tensors) {
    const Tensor values = tensor.detach();
    Tensor exchanged = values.contiguous();
    group.broadcast(exchanged, 0, "the state of rank 0");
    if (!exchanged.is_same(values)) values.copy_(exchanged);
  }
}

Tensor tensor_of(const std::vector<double>& values) {
  const Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), tensor.data_ptr<double>());
  return tensor;
}

// One row of counts per channel, and the images before them.
Tensor counts_of(const PixelStatistics& pixels, std::int64_t channels) {
  const Tensor counts = at::zeros({1 + 5 * channels}, at::kLong);
  auto* place = counts.data_ptr<std::int64_t>();
  *place++ = pixels.images;
  for (const ChannelStatistics& channel : pixels.channels) {
    for (const std::int64_t value :
         {channel.pixels, channel.sum, channel.sum_of_squares, channel.black, channel.white}) {
      *place++ = value;
    }
  }
  return counts;
}

void add_counts(PixelStatistics& pixels, const Tensor& counts, std::int64_t channels) {
  const auto* place = counts.data_ptr<std::int64_t>();
  if (*place == 0) return;
  pixels.images += *place++;
  pixels.channels.resize(static_cast<std::size_t>(channels));
  for (ChannelStatistics& channel : pixels.channels) {
    for (std::int64_t* value :
         {&channel.pixels, &channel.sum, &channel.sum_of_squares, &channel.black, &channel.white}) {
      *value += *place++;
    }
  }
}

}  // namespace

void Trainer::State::share_pixels() {
  if (group->size() == 1) return;
  const std::int64_t channels = settings.network.image_channels;
  add_counts(data_pixels, group->sum(counts_of(own_pixels, channels), "the brightness of the images"), channels);
  own_pixels = {};
}

void Trainer::join(std::shared_ptr<ProcessGroup> group, bool shard_optimizer) {
  State& state = *state_;
  require(state.options.batch >= group->size(), "batch: expected at least one image for each of {} processes, got {}",
          group->size(), state.options.batch);
  state.group = std::move(group);
  ProcessGroup& processes = *state.group;
  const nlohmann::json counters =
      parse_json(processes.broadcast_text(nlohmann::json({{"step", state.step},
                                                          {"examples_seen", state.examples_seen},
                                                          {"skipped", state.skipped.all},
                                                          {"skipped_in_a_row", state.skipped.in_a_row},
                                                          {"seconds_trained", state.seconds_trained},
                                                          {"pixels", state.data_pixels}})
                                              .dump(),
                                          "the state of rank 0"),
                 "the state of rank 0");
  const JsonRecord record(counters, "the state of rank 0");
  record.read("step", state.step);
  record.read("examples_seen", state.examples_seen);
  record.read("skipped", state.skipped.all);
  record.read("skipped_in_a_row", state.skipped.in_a_row);
  record.read("seconds_trained", state.seconds_trained);
  state.data_pixels = counters.at("pixels").get<PixelStatistics>();
  take_from_first(state.parameters, processes);
  take_from_first(state.optimizer.exp_avg, processes);
  take_from_first(state.optimizer.exp_avg_sq, processes);
  for (NamedParameters& ema : state.optimizer.emas) take_from_first(ema, processes);
  Tensor history = tensor_of(state.timesteps->state());
  if (history.numel() > 0) {
    processes.broadcast(history, 0, "the state of rank 0");
    state.timesteps->restore({history.data_ptr<double>(), static_cast<std::size_t>(history.numel())});
  }
  state.reduction = std::make_unique<GradientReduction>(state.parameters, state.gradients, processes);
  if (!shard_optimizer) return;
  state.shards = std::make_unique<OptimizerShards>(state.parameters, processes);
  state.shards->keep_own(state.optimizer);
}

}  // namespace iddpm
