#include "iddpm/samplers/euler_ancestral.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {

EulerAncestralSampler::EulerAncestralSampler(EulerAncestralOptions options) : options_(options) {
  require(options.eta >= 0.0 && options.eta <= 1.0, "Euler ancestral: expected eta in [0, 1], got {}", options.eta);
}

LevelStep EulerAncestralSampler::new_step() const {
  return [eta = options_.eta](const LevelWalk& walk, const Tensor& x, std::int64_t k) {
    const NoiseLevel& from = walk.level(k);
    const NoiseLevel& to = walk.level(k + 1);
    const Tensor x_0 = walk.x_0(x, k);
    // sigma_up and sigma_down of k-diffusion as shares of the noise at `to`: their squares sum up to 1.
    const double falls = to.ratio() / from.ratio();
    const double up = eta * std::sqrt(1.0 - falls * falls);
    const double down = std::sqrt(1.0 - up * up);
    // first_order_step with the noise at `to` reduced to its share.
    const double kept = down * to.sigma / from.sigma;
    Tensor next = kept * x + (to.alpha - kept * from.alpha) * x_0;
    if (up > 0.0 && to.sigma > 0.0) next = next + up * to.sigma * walk.noise(k);
    return SingleStepResult{.x = next, .x_0 = x_0};
  };
}

SamplerEntry euler_ancestral_entry() {
  return {.name = "euler-ancestral",
          .help = "Euler's steps with noise between them",
          .paper = "Song et al. 2021, arXiv 2011.13456",
          .options = {{.name = "eta", .otherwise = 1.0, .greatest = 1.0}},
          .make = [](const SamplerOptions& options) -> std::unique_ptr<Sampler> {
            return std::make_unique<EulerAncestralSampler>(
                EulerAncestralOptions{.eta = options.eta.value_or(EulerAncestralOptions().eta)});
          },
          .usual_steps = 100};
}

}  // namespace iddpm
