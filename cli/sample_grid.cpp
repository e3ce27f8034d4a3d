#include "cli/sample_grid.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/report/image_grid.h"

namespace iddpm::cli {

Image sample_grid(const Tensor& images, const ModelSettings& settings, const SampleGridOptions& how) {
  GridOptions options{.columns = how.columns,
                      .upscale = std::max<std::int64_t>(1, comfortable_upscale(images.size(2), images.size(3)))};
  const std::int64_t classes = settings.network.classes;
  if (how.by_class && classes > 0 && images.size(0) % classes == 0) {
    options.columns = images.size(0) / classes;
    for (std::int64_t label = 0; label < classes; ++label) {
      options.row_labels.push_back(settings.class_names.empty()
                                       ? fmt::format("{}", label)
                                       : settings.class_names[static_cast<std::size_t>(label)]);
    }
  }
  return image_grid(images, options);
}

}  // namespace iddpm::cli
