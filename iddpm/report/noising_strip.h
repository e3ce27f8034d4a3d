#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/report/image_grid.h"

namespace iddpm {

/// One row of a noising strip: x_t at the chosen timesteps of one process.
struct NoisingRow {
  std::string label = {};  ///< "linear", "cosine"; may be empty
  Tensor images = {};      ///< [K, C, H, W] in [-1, 1], one per timestep
};

/// x_t at chosen timesteps (0-based) side by side, captioned "t = 250", one row per process: figure 3 of Nichol &
/// Dhariwal 2021 (arXiv 2102.09672). Captions and columns of `options` are overwritten; an upscale of 0 chooses a
/// comfortable one.
Image noising_strip(const std::vector<NoisingRow>& rows, const std::vector<std::int64_t>& timesteps,
                    GridOptions options = {.upscale = 0});

}  // namespace iddpm
