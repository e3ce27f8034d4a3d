#include "iddpm/nn/timestep_embedding.h"

#include <cmath>

namespace iddpm {

Tensor timestep_embedding(const Tensor& t, std::int64_t width, double frequency_shift) {
  constexpr double longest_period = 10000.0;
  const std::int64_t half = width / 2;
  // Rounded to float32 where the published code does: at t = 1000 the cosines feel the last bit of a frequency.
  const at::ScalarType type = t.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor frequencies = at::exp(at::arange(half, t.options().dtype(type)) * -std::log(longest_period) /
                                     (static_cast<double>(half) - frequency_shift));
  const Tensor angles = t.to(type).unsqueeze(1) * frequencies;
  const Tensor embedding = at::cat({at::cos(angles), at::sin(angles)}, 1);
  return width % 2 == 0 ? embedding : at::constant_pad_nd(embedding, {0, 1});
}

}  // namespace iddpm
