#include "iddpm/model/inference_memory.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/core/formats.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/nn/network_statistics.h"

namespace iddpm {
namespace {

struct InferenceMemory {
  double weights = 0;
  double per_image = 0;
};

InferenceMemory estimate(const UNetOptions& network, Precision precision) {
  const NetworkStatistics statistics = network_statistics(network, scalar_type(precision));
  // x_t and what the network says of it, float32.
  const std::int64_t pixels = network.image_channels * network.image_height * network.image_width;
  const std::int64_t images = 2 * pixels * static_cast<std::int64_t>(sizeof(float));
  return {.weights = static_cast<double>(statistics.parameters) * sizeof(float),
          .per_image = static_cast<double>(statistics.forward_bytes + images)};
}

}  // namespace

std::int64_t estimate_inference_memory(const UNetOptions& network, Precision precision, std::int64_t images) {
  const InferenceMemory memory = estimate(network, precision);
  return static_cast<std::int64_t>(memory.weights + memory.per_image * static_cast<double>(images));
}

void require_inference_memory(const UNetOptions& network, Precision precision, at::Device device, std::int64_t images) {
  if (!device.is_cpu()) return;
  const InferenceMemory memory = estimate(network, precision);
  const auto limit = static_cast<double>(memory_limit());
  const double needed = memory.weights + memory.per_image * static_cast<double>(images);
  if (needed <= limit) return;
  const auto fitting = static_cast<std::int64_t>((limit - memory.weights) / memory.per_image);
  fail(ErrorKind::out_of_memory,
       "{} images at a time need {} at least (the network {}, each image {}), more than the memory limit of {} "
       "(--memory-limit); expected {}",
       images, format_bytes(needed), format_bytes(memory.weights), format_bytes(memory.per_image), format_bytes(limit),
       fitting >= 1 ? fmt::format("--batch {} or less", fitting) : "a higher limit or a smaller network");
}

}  // namespace iddpm
