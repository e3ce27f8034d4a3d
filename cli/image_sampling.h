#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/nn/unet.h"
#include "iddpm/samplers/data_start.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm::cli {

/// Which images to draw and how.
struct SamplingRequest {
  std::vector<std::uint64_t> image_numbers;  ///< image i of the seed, whatever else is drawn with it
  std::vector<std::int64_t> labels;          ///< one per image; empty without classes
  std::uint64_t seed = 0;
  std::string steps = "50";                  ///< a respacing specification
  std::vector<std::int64_t> timesteps = {};  ///< kept instead of what `steps` says, if there are any
  std::string sampler = "ancestral";         ///< one of the library's table
  SamplerOptions sampler_options = {};
  std::optional<DataStart> start = {};  ///< unset: pure noise
  std::int64_t batch = 64;
};

/// Draws images [N, C, H, W] in [-1, 1] on the CPU, batch after batch. `progress` is told the fraction done; if it
/// returns false, sampling stops and the images finished so far are returned. Throws NotFiniteError, saying after which
/// step, if images are no longer finite.
Tensor sample_images(const UNet& network, const ModelSettings& settings, const SamplingRequest& request,
                     const std::function<bool(double)>& progress = {});

/// Numbers first .. first + count - 1.
std::vector<std::uint64_t> image_numbers(std::uint64_t first, std::int64_t count);

/// A class per image for a grid with one row per class: `columns` of each. Empty without classes.
std::vector<std::int64_t> labels_by_row(const ModelSettings& settings, std::int64_t columns);

/// Samples as one picture: with a row per class and its name if `by_class`, else about square.
Image sample_grid(const Tensor& images, const ModelSettings& settings, bool by_class);

}  // namespace iddpm::cli
