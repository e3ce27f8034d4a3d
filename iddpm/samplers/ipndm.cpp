#include "iddpm/samplers/ipndm.h"

#include <array>

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
  return epsilon_multistep(options_.order,
                           [](const LevelWalk& walk, std::int64_t k, const std::deque<Tensor>& epsilon, Tensor next) {
                             const std::size_t order = epsilon.size();
                             if (order == 1) return next;
                             Tensor change = -epsilon[0];
                             for (std::size_t i = 0; i < order; ++i)
                               change = change + adams_bashforth[order - 1][i] * epsilon[i];
                             return next + epsilon_weight(walk.level(k), walk.level(k + 1)) * change;
                           });
}

SamplerEntry ipndm_entry() {
  return {.name = "ipndm",
          .help = "DDIM with epsilon extrapolated, few steps without noise",
          .paper = "Zhang & Chen 2022, arXiv 2204.13902; Liu et al. 2022, arXiv 2202.09778",
          .options = {{.name = "order", .otherwise = 4, .least = 1, .greatest = 4}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<IpndmSampler>(IpndmOptions{.order = options.order.value_or(IpndmOptions().order)});
          },
          .multistep = true};
}

}  // namespace iddpm
