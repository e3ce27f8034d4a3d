#include "iddpm/training/training_memory.h"

#include <algorithm>
#include <optional>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/formats.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/nn/network_statistics.h"

namespace iddpm {
namespace {

std::int64_t images_at_a_time(const TrainingOptions& options) {
  return options.microbatch > 0 ? std::min(options.microbatch, options.batch) : options.batch;
}

bool fits(const TrainingMemory& memory) { return static_cast<std::uint64_t>(memory.total()) <= memory_limit(); }

// The largest of 1 .. most with which `memory_of` fits, if any does.
template <typename MemoryOf>
std::optional<std::int64_t> largest_fitting(std::int64_t most, const MemoryOf& memory_of) {
  if (!fits(memory_of(1))) return std::nullopt;
  std::int64_t good = 1, bad = most + 1;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (fits(memory_of(middle)) ? good : bad) = middle;
  }
  return good;
}

// What would fit, at the least cost: smaller microbatches cost nothing but time, then recomputed activations, half the
// bits, another batch.
std::string remedy(const ModelSettings& settings, const TrainingOptions& options, NetworkChange change) {
  for (const auto& [checkpointing, bfloat16] :
       {std::pair(false, false), std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
    ModelSettings model = settings;
    TrainingOptions training = options;
    if (checkpointing && (change == NetworkChange::impossible || model.network.checkpointing)) continue;
    if (bfloat16 && training.precision == Precision::bfloat16) continue;
    model.network.checkpointing = model.network.checkpointing || checkpointing;
    if (bfloat16) training.precision = Precision::bfloat16;
    const auto microbatch = largest_fitting(images_at_a_time(options), [&](std::int64_t images) {
      training.microbatch = images;
      return estimate_training_memory(model, training);
    });
    if (!microbatch) continue;
    std::string text;
    if (*microbatch < images_at_a_time(options)) text += fmt::format(" --microbatch {}", *microbatch);
    if (checkpointing) text += " --checkpointing";
    if (bfloat16) text += " --precision bfloat16";
    return text.substr(1);
  }
  TrainingOptions training = options;
  training.microbatch = 1;
  const auto batch = largest_fitting(options.batch, [&](std::int64_t images) {
    training.batch = images;
    return estimate_training_memory(settings, training);
  });
  if (batch) return fmt::format("--batch {} --microbatch 1", *batch);
  return change == NetworkChange::possible ? "a smaller network (--channels, --blocks, --image-size)"
                                           : "a higher limit";
}

}  // namespace

TrainingMemory estimate_training_memory(const ModelSettings& settings, const TrainingOptions& options) {
  const at::ScalarType type = options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
  const NetworkStatistics statistics = network_statistics(settings.network, type);
  const UNetOptions& network = settings.network;
  const std::int64_t one_set = statistics.parameters * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t one_image =
      network.image_channels * network.image_height * network.image_width * static_cast<std::int64_t>(sizeof(float));
  return {.parameters = one_set,
          .gradients = one_set,
          .optimizer = 2 * one_set,
          .averages = static_cast<std::int64_t>(options.ema_rates.size()) * one_set,
          .activations = images_at_a_time(options) * statistics.activation_bytes,
          .images = 3 * options.batch * one_image};
}

void require_training_memory(const ModelSettings& settings, const TrainingOptions& options, NetworkChange change) {
  const TrainingMemory memory = estimate_training_memory(settings, options);
  if (fits(memory)) return;
  const auto bytes = [](std::int64_t number) { return format_bytes(static_cast<double>(number)); };
  fail(
      ErrorKind::out_of_memory,
      "training needs {} at least (network, optimiser and averages {}, {} images at a time {}, batches of {} {}), more "
      "than the memory limit of {} (--memory-limit); expected {}",
      bytes(memory.total()), bytes(memory.fixed()), images_at_a_time(options), bytes(memory.activations), options.batch,
      bytes(memory.images), format_bytes(static_cast<double>(memory_limit())), remedy(settings, options, change));
}

}  // namespace iddpm
