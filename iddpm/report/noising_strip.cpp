#include "iddpm/report/noising_strip.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {

Image noising_strip(const std::vector<NoisingRow>& rows, const std::vector<std::int64_t>& timesteps,
                    GridOptions options) {
  require(!rows.empty() && !timesteps.empty(),
          "noising_strip: expected at least one row and one timestep, got {} and {}", rows.size(), timesteps.size());
  const auto count = static_cast<std::int64_t>(timesteps.size());
  options.row_labels.clear();
  options.column_captions.clear();
  std::vector<Tensor> images;
  for (const NoisingRow& row : rows) {
    require(row.images.dim() == 4 && row.images.size(0) == count && row.images.sizes() == rows[0].images.sizes(),
            "noising_strip: expected {} images of one shape in each row, got {} in row '{}'", count,
            format_shape(row.images.sizes()), row.label);
    images.push_back(row.images.to(at::kCPU, at::kFloat));
    options.row_labels.push_back(row.label);
  }
  for (const std::int64_t t : timesteps) options.column_captions.push_back(fmt::format("t = {}", t));
  if (std::ranges::all_of(options.row_labels, &std::string::empty)) options.row_labels.clear();
  options.columns = count;
  if (options.upscale == 0) options.upscale = comfortable_upscale(images[0].size(2), images[0].size(3));
  return image_grid(at::cat(images), options);
}

}  // namespace iddpm
