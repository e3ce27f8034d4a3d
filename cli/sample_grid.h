#pragma once

#include "iddpm/io/image_file.h"
#include "iddpm/model/model_settings.h"

namespace iddpm::cli {

struct SampleGridOptions {
  bool by_class = false;     ///< a row per class with its name
  std::int64_t columns = 0;  ///< otherwise; 0: about square
};

/// Samples [N, C, H, W] in [-1, 1] as one picture.
Image sample_grid(const Tensor& images, const ModelSettings& settings, const SampleGridOptions& how);

}  // namespace iddpm::cli
