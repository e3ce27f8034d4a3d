#include "experiments/noising_strips.h"

#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/report/noising_strip.h"

namespace iddpm::experiments {

Image noising_strips(const Tensor& x_0) {
  constexpr std::int64_t steps = 1000;
  constexpr std::int64_t columns = 10;
  std::vector<std::int64_t> timesteps;
  for (std::int64_t k = 0; k < columns; ++k) timesteps.push_back(k * (steps - 1) / (columns - 1));
  const Tensor t = at::tensor(timesteps, at::kLong);
  const Tensor images = x_0.expand({columns, -1, -1, -1});
  // The same noise in every column: the pictures differ in its amount only.
  std::vector<RandomStream> streams = {RandomStream(0, StreamPurpose::sampling)};
  const Tensor noise = normal_per_image(streams, x_0.sizes().slice(1)).expand_as(images);
  const ForwardProcess linear(linear_schedule({.steps = steps}));
  const ForwardProcess cosine(cosine_schedule({.steps = steps}));
  return noising_strip({{"linear", linear.sample(images, t, noise)}, {"cosine", cosine.sample(images, t, noise)}},
                       timesteps);
}

}  // namespace iddpm::experiments
