#include "iddpm/training/training_memory.h"

#include "iddpm/nn/network_statistics.h"

namespace iddpm {

TrainingMemory estimate_training_memory(const ModelSettings& settings, const TrainingOptions& options) {
  const at::ScalarType type = options.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
  const NetworkStatistics statistics = network_statistics(settings.network, type);
  const std::int64_t one_set = statistics.parameters * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t images = options.microbatch > 0 ? options.microbatch : options.batch;
  return {.parameters = one_set,
          .gradients = one_set,
          .optimizer = 2 * one_set,
          .averages = static_cast<std::int64_t>(options.ema_rates.size()) * one_set,
          .activations = images * statistics.activation_bytes};
}

}  // namespace iddpm
