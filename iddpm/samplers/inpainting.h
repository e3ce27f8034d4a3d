#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// How often the steps of an inpainting are taken, so that what is drawn fits what is kept.
struct Resampling {
  std::int64_t times = 4;  ///< each stretch of steps is undone so often; 1: no resampling
  std::int64_t jump = 10;  ///< steps of a stretch, at most all but one; both are 10 in the paper, with 250 steps

  bool operator==(const Resampling&) const = default;
};

/// The way through a process of so many steps: after each move, how many steps are left to do, from `steps` itself to
/// 0. One less is a step of the sampler; more is noise added, back over a stretch. Throws Error unless both options are
/// at least 1.
std::vector<std::int64_t> resampled_way(std::int64_t steps, const Resampling& options);

/// Images of which a part is kept.
struct Inpainting {
  Tensor known;  ///< [N, C, H, W] in [-1, 1]
  Tensor anew;   ///< bool, such as [H, W]: true where images are drawn anew, false where they are kept
  Resampling resampling = {};
};

/// RePaint (Lugmayr et al. 2022, arXiv 2201.09865): a sampler whose every step is followed by putting the known pixels,
/// with the noise of that level, in their place, and which goes back over stretches of steps. The kept pixels come out
/// exactly as they were. Works with samplers whose steps look at nothing before them (SamplerEntry::multistep).
class InpaintingSampler : public Sampler {
 public:
  /// Throws Error if the mask is no bool tensor that fits the images, or an option is below 1.
  InpaintingSampler(std::shared_ptr<const Sampler> sampler, Inpainting inpainting);
  std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                     NoiseSource noise) const override;
  std::int64_t evaluations(const ForwardProcess& q) const override;

 private:
  std::shared_ptr<const Sampler> sampler_;
  Inpainting inpainting_;
};

}  // namespace iddpm
