#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/data/fit_image.h"
#include "iddpm/io/image_file.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm::cli {

/// What a network draws.
ImageShape image_shape_of(const UNetOptions& network);

/// Image files as a model takes images.
struct FittedImages {
  std::vector<std::filesystem::path> files = {};
  std::vector<ImageHeader> sizes = {};  ///< as they are in the files
  Tensor pixels = {};                   ///< uint8 [M, C, H, W], by the rules for data (data/fit_image.h)
};

/// Reads files and the images of folders, in the order named and sorted within a folder, and says aloud which of them
/// had to be resized, cropped or converted. Throws Error, beginning with the option, if one can't be read or a folder
/// holds none.
FittedImages fitted_images(const std::string& option, const std::vector<std::string>& paths, const ImageShape& shape);

/// What a record calls them: their paths; of more than 16 the first and the last, with dots between.
std::vector<std::string> recorded_names(const FittedImages& images);

/// A mask for images, fitted as they are: bool [H, W], true where it is rather white. Transparent parts are black.
/// Throws Error, beginning with the option, if it can't be read or an image has another size.
Tensor fitted_mask(const std::string& option, const std::filesystem::path& path, const FittedImages& images,
                   const ImageShape& shape);

}  // namespace iddpm::cli
