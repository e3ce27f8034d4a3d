#include "experiments/noising_strips.h"

#include <algorithm>
#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/report/noising_strip.h"

namespace iddpm::experiments {
namespace {

// At up to ten timesteps of processes of the same length.
Image strip_of_processes(const Tensor& x_0, const std::vector<std::pair<std::string, ForwardProcess>>& processes) {
  const std::int64_t steps = processes.front().second.steps();
  const std::int64_t columns = std::min<std::int64_t>(10, steps);
  std::vector<std::int64_t> timesteps;
  for (std::int64_t k = 0; k < columns; ++k) {
    timesteps.push_back(columns == 1 ? 0 : k * (steps - 1) / (columns - 1));
  }
  const Tensor t = at::tensor(timesteps, at::kLong);
  const Tensor images = x_0.expand({columns, -1, -1, -1});
  // The same noise in every column: the pictures differ in its amount only.
  std::vector<RandomStream> streams = {RandomStream(0, StreamPurpose::sampling)};
  const Tensor noise = normal_per_image(streams, x_0.sizes().slice(1)).expand_as(images);
  std::vector<NoisingRow> rows;
  for (const auto& [name, process] : processes) rows.push_back({name, process.sample(images, t, noise)});
  return noising_strip(rows, timesteps);
}

}  // namespace

Image noising_strips(const Tensor& x_0) {
  constexpr std::int64_t steps = 1000;
  return strip_of_processes(x_0, {{"linear", ForwardProcess(linear_schedule({.steps = steps}))},
                                  {"cosine", ForwardProcess(cosine_schedule({.steps = steps}))}});
}

Image noising_strip_of(const Tensor& x_0, const DiffusionSettings& diffusion) {
  return strip_of_processes(x_0, {{diffusion.schedule, forward_process(diffusion)}});
}

}  // namespace iddpm::experiments
