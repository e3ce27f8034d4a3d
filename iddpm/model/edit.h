#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/samplers/inpainting.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// Drawing that begins at images: SDEdit (samplers/image_start.h), and with a mask RePaint (samplers/inpainting.h).
struct ImageEdit {
  Tensor images = {};  ///< float32 [M, C, H, W] in [-1, 1]; image number n begins at n modulo M
  /// The share of the process, in (0, 1], that is undone. With a mask and a share of 1 what the images hold there has
  /// no influence: it begins at pure noise.
  double strength = 0.6;
  Tensor mask = {};  ///< bool [H, W], true where images are drawn anew, false where they are kept; undefined: no mask
  Resampling resampling = {};
};

/// Throws Error, naming what was found and expected, if a model's images can't be edited so by this sampler.
void check_edit(const ImageEdit& edit, const ModelSettings& settings, const std::string& sampler,
                const SamplerOptions& options);

/// Of images [M, ...] taken in turn, those of numbers first .. first + size - 1: n has image n modulo M.
Tensor images_in_turn(const Tensor& images, std::uint64_t first, std::int64_t size);

/// An end of an interpolation: a seed, whose image it is that the request's first number names, or an image, float32
/// [C, H, W] in [-1, 1], whose latent is found by the deterministic DDIM path backwards.
using InterpolationEnd = std::variant<std::uint64_t, Tensor>;

/// Drawing from latents between those of two ends or along several (samplers/interpolation.h): the request's first
/// image is at the first end, its last at the last. By DDIM without noise, of one class.
struct Interpolation {
  std::vector<InterpolationEnd> ends = {};
};

/// As `check_edit`; `classes`: those named by the request.
void check_interpolation(const Interpolation& interpolation, const ModelSettings& settings,
                         const std::vector<std::int64_t>& classes, const std::string& sampler,
                         const SamplerOptions& options);

}  // namespace iddpm
