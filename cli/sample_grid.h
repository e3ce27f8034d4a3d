#pragma once

#include "iddpm/io/image_file.h"
#include "iddpm/model/model_settings.h"

namespace iddpm::cli {

/// Samples [N, C, H, W] in [-1, 1] as one picture: with a row per class and its name if `by_class`, else about square.
Image sample_grid(const Tensor& images, const ModelSettings& settings, bool by_class);

}  // namespace iddpm::cli
