#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/diffusion/losses.h"
#include "iddpm/diffusion/settings.h"
#include "iddpm/diffusion/timestep_sampler.h"
#include "iddpm/nn/unet.h"
#include "iddpm/training/gradient_noise_estimator.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// How E[L_t^2] is measured.
struct SecondMomentOptions {
  std::int64_t timesteps = 128;  ///< at how many t, denser where t is small; between them by interpolation. 0: at all
  std::int64_t images = 8;       ///< at each
  std::int64_t batch = 64;       ///< passes of the network at a time, without gradients
  std::uint64_t seed = 0;

  bool operator==(const SecondMomentOptions&) const = default;
};

/// E[L_t^2] for every t, over images drawn from the data set and noise, [T]: what importance sampling of t rests on
/// (arXiv 2102.09672 eq. 18). `network` and `diffusion` must fit each other; `objective` says which L_t. Throws Error
/// if an option is out of range or a loss isn't finite, and what the data set throws. `progress` counts images.
std::vector<double> loss_second_moments(const UNet& network, const DiffusionSettings& diffusion, const Dataset& dataset,
                                        Objective objective, const SecondMomentOptions& options = {},
                                        const std::function<void(std::int64_t done, std::int64_t all)>& progress = {});

/// Importance sampling with p_t proportional to the square roots of the given E[L_t^2] from the start, instead of after
/// a long warm-up. Throws Error if there are none, or one is negative or not finite.
ImportanceTimesteps importance_timesteps(std::span<const double> second_moments);

struct GradientNoiseOptions {
  std::int64_t batches = 32;
  std::int64_t batch = 16;
  std::uint64_t seed = 0;
  Objective objective = Objective::hybrid;
  TimestepSampling timesteps = TimestepSampling::uniform;
  SecondMomentOptions moments = {};  ///< for importance sampling
};

/// The gradient noise scale of a network as it stands (arXiv 2102.09672 figure 7): that of the weighted loss that
/// training would descend with this objective and this way to draw t, without dropout. All examples are drawn
/// independently, images with replacement; everything random is a function of the seed. The objective of `diffusion`
/// is not looked at. With evenly drawn t, L_vlb's gradient comes mostly from the few examples with the smallest t: it
/// takes several times T of them, and |G|^2, which is the same however t is drawn, is known better from importance
/// sampling. The parameters' gradients are released. Throws Error if an option is out of range, the parts don't fit
/// each other or a gradient isn't finite. `progress` counts images, those of the second moments included.
GradientNoiseScale gradient_noise_scale(const UNet& network, const DiffusionSettings& diffusion, const Dataset& dataset,
                                        const GradientNoiseOptions& options,
                                        const std::function<void(std::int64_t done, std::int64_t all)>& progress = {});

}  // namespace iddpm
