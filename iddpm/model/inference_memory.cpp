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

// Images at a time within so many bytes.
std::int64_t fitting(const InferenceMemory& memory, double bytes) {
  constexpr double most = 1e15;
  return static_cast<std::int64_t>(std::clamp((bytes - memory.weights) / memory.per_image, 0.0, most));
}

}  // namespace

std::int64_t estimate_inference_memory(const UNetOptions& network, Precision precision, std::int64_t images) {
  const InferenceMemory memory = estimate(network, precision);
  return static_cast<std::int64_t>(memory.weights + memory.per_image * static_cast<double>(images));
}

std::int64_t images_within(const UNetOptions& network, Precision precision, std::uint64_t bytes) {
  return fitting(estimate(network, precision), static_cast<double>(bytes));
}

void require_inference_memory(const UNetOptions& network, Precision precision, at::Device device, std::int64_t images) {
  if (!device.is_cpu()) return;
  const InferenceMemory memory = estimate(network, precision);
  const auto limit = static_cast<double>(memory_limit());
  const double needed = memory.weights + memory.per_image * static_cast<double>(images);
  if (needed <= limit) return;
  const std::int64_t most = fitting(memory, limit);
  fail(ErrorKind::out_of_memory,
       "{} images at a time need {} at least (the network {}, each image {}), more than the memory limit of {} "
       "(--memory-limit); expected {}",
       images, format_bytes(needed), format_bytes(memory.weights), format_bytes(memory.per_image), format_bytes(limit),
       most >= 1 ? fmt::format("--batch {} or less", most) : "a higher limit or a smaller network");
}

}  // namespace iddpm
