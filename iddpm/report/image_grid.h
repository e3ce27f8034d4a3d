#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/io/image_file.h"
#include "iddpm/report/color.h"

namespace iddpm {

/// How a grid of images is laid out. Lengths are pixels of the result.
struct GridOptions {
  std::int64_t columns = 0;                       ///< 0: about as many columns as rows
  std::int64_t padding = 2;                       ///< between images and around the grid
  std::int64_t upscale = 1;                       ///< each image pixel becomes upscale x upscale pixels
  std::vector<std::string> row_labels = {};       ///< at the left of each row (empty: none)
  std::vector<std::string> column_captions = {};  ///< above each column (empty: none), broken at spaces
  double text_size = 12;                          ///< of an em (text.h)
  Rgb background{255, 255, 255};
  Rgb text_color{34, 34, 34};
};

/// Images [N, C, H, W] in [-1, 1], row by row, as one RGB image. C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA);
/// alpha is composited over the background. Columns grow where a caption needs it. Throws Error on other shapes, no
/// images, or labels whose number isn't that of the rows or columns.
Image image_grid(const Tensor& images, const GridOptions& options = {});

/// The upscale that brings images of this size to about 64 pixels a side, at least 1.
std::int64_t comfortable_upscale(std::int64_t height, std::int64_t width);

}  // namespace iddpm
