#include "iddpm/samplers/ipndm.h"

#include <algorithm>
#include <array>
#include <deque>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Weights of the newest epsilon and of those before, by order.
const std::array<std::vector<double>, 4> adams_bashforth = {
    {{1.0}, {3.0 / 2, -1.0 / 2}, {23.0 / 12, -16.0 / 12, 5.0 / 12}, {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}}};

}  // namespace

IpndmSampler::IpndmSampler(IpndmOptions options) : options_(options) {
  require(options.order >= 1 && options.order <= 4, "iPNDM: expected an order of 1 to 4, got {}", options.order);
}

LevelStep IpndmSampler::new_step() const {
  return [most = options_.order, history = std::deque<Tensor>()](const LevelWalk& walk, const Tensor& x,
                                                                 std::int64_t k) mutable {
    const NoiseLevel& from = walk.level(k);
    const NoiseLevel& to = walk.level(k + 1);
    const Tensor x_0 = walk.x_0(x, k);
    history.push_front(epsilon_at(from, x, x_0));
    if (static_cast<std::int64_t>(history.size()) > most) history.pop_back();
    Tensor next = first_order_step(x, x_0, from, to);
    const auto order = static_cast<std::size_t>(walk.ends_clean(k) ? 1 : std::min(most, k + 1));
    if (order > 1) {
      Tensor extrapolated = -history[0];
      for (std::size_t i = 0; i < order; ++i) extrapolated = extrapolated + adams_bashforth[order - 1][i] * history[i];
      next = next + epsilon_weight(from, to) * extrapolated;
    }
    return SingleStepResult{.x = next, .x_0 = x_0};
  };
}

SamplerEntry ipndm_entry() {
  return {.name = "ipndm",
          .help = "DDIM with epsilon extrapolated, few steps without noise",
          .paper = "Zhang & Chen 2022, arXiv 2204.13902; Liu et al. 2022, arXiv 2202.09778",
          .options = {{.name = "order", .otherwise = 4, .least = 1, .greatest = 4}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<IpndmSampler>(IpndmOptions{.order = options.order.value_or(IpndmOptions().order)});
          }};
}

}  // namespace iddpm
