#pragma once

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/denoiser.h"
#include "iddpm/diffusion/forward_process.h"

namespace iddpm {

/// A prediction led towards a condition y by the gradient of log p(y | x_t) with respect to x_t, [N, C, H, W], already
/// scaled, for the ancestral sampler: mean + variance * gradient (Dhariwal & Nichol 2021, arXiv 2105.05233, algorithm
/// 1). The predicted x_0 is left as it was. Throws Error if the shapes differ.
Prediction guide_mean(const Prediction& prediction, const Tensor& gradient);

/// The same for DDIM: epsilon - sqrt(1 - alpha_bar_t) * gradient (algorithm 2), from which x_0 (not clipped again) and
/// the mean follow. Throws Error if the shapes differ.
Prediction guide_epsilon(const ForwardProcess& q, const Prediction& prediction, const Tensor& x_t, const Timesteps& t,
                         const Tensor& gradient);

/// The gradient of log p(y | x_t) with respect to x_t, [N, C, H, W], for the denoiser's own timesteps t [N]. Samplers
/// call it without gradients: it must switch on what it needs, as `log_probability_gradient` of a classifier does.
using GuidanceGradient = std::function<Tensor(const Tensor& x_t, const Timesteps& t)>;

/// A denoiser led by `scale` times the gradient as `guide_mean` does, for the ancestral sampler.
Denoiser mean_guided(Denoiser denoiser, GuidanceGradient gradient, double scale = 1.0);
/// The same as `guide_epsilon` does, for DDIM.
Denoiser epsilon_guided(ForwardProcess q, Denoiser denoiser, GuidanceGradient gradient, double scale = 1.0);

/// How far a guided prediction goes, and at which noise levels (sigma / alpha; Kynkaanniemi et al. 2024, arXiv
/// 2404.07724); at others the guide isn't asked.
struct GuidanceOptions {
  double scale = 1.0;  ///< 1: no guidance; the w + 1 of Ho & Salimans, the w of Karras et al.
  double least = 0.0;
  double greatest = std::numeric_limits<double>::infinity();

  bool has_interval() const { return least > 0.0 || std::isfinite(greatest); }
};

/// By timestep of a schedule, how far a prediction there goes: the scale, or 1 where the guide isn't asked. Throws
/// Error if an option is out of range.
std::vector<double> guidance_scales(const NoiseSchedule& schedule, const GuidanceOptions& options);

/// A denoiser led away from what a guide predicts, x_0 and mean alike: guide + scale (denoiser - guide).
/// Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598) if the guide is the same network without the class;
/// autoguidance (Karras et al. 2024, arXiv 2406.02507) if it is a weaker model of the same data, such as an earlier
/// checkpoint. The variance is the denoiser's own. A guided prediction costs both evaluations. x_0 may leave [-1, 1]:
/// give denoisers that don't clip, and clip or threshold the result (thresholding.h). Throws Error if an option is out
/// of range.
Denoiser guided(ForwardProcess q, Denoiser denoiser, Denoiser guide, GuidanceOptions options);

}  // namespace iddpm
