#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/io/image_file.h"

namespace iddpm {

/// Largest height and width of a data set's images.
inline constexpr std::int64_t largest_image_side = 8192;

struct ImageShape {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  bool operator==(const ImageShape&) const = default;
};

/// Throws Error unless sizes are 1 .. 8192, channels 1, 3 or 4, the background within 0 .. 1, and the split, if any,
/// "train" or "test".
void check_dataset_options(const DatasetOptions& options);

/// What the options ask for, and the data's own shape elsewhere (see DatasetOptions::default_largest_side). Throws
/// Error if that leaves a side beyond 8192; `name` is the data's for the message.
ImageShape chosen_shape(const DatasetOptions& options, const ImageShape& own, const std::string& name);

/// The image in the given shape (channels converted, then resized and cropped) as uint8 [C, H, W].
Tensor fit_image(const Image& image, const ImageShape& shape, double background);

/// uint8 [C, H, W] -> Image of interleaved channels.
Image image_from_bytes(const Tensor& image);

/// Images in memory, each brought into the shape that the options ask for when it is read. Their label source must be
/// `automatic` or `none`. Throws Error if it isn't, or for options out of range.
std::shared_ptr<const Dataset> fitted_dataset(ImagesInMemory contents, const DatasetOptions& options);

}  // namespace iddpm
