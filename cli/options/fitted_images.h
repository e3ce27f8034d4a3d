#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/model/model_settings.h"

namespace iddpm::cli {

/// Image files as a model takes images.
struct FittedImages {
  std::vector<std::filesystem::path> files = {};
  std::vector<ImageHeader> sizes = {};  ///< as they are in the files
  Tensor pixels = {};                   ///< uint8 [M, C, H, W], by the rules for data (data/fit_image.h)
};

/// Reads files and the images of folders, in the order named and sorted within a folder, and says aloud which of them
/// had to be resized, cropped or converted. Throws Error, beginning with the option, if one can't be read or a folder
/// holds none.
FittedImages fitted_images(const std::string& option, const std::vector<std::string>& paths,
                           const ModelSettings& settings);

/// A mask for images, fitted as they are: bool [H, W], true where it is rather white. Transparent parts are black.
/// Throws Error, beginning with the option, if it can't be read or an image has another size.
Tensor fitted_mask(const std::string& option, const std::filesystem::path& path, const FittedImages& images,
                   const ModelSettings& settings);

}  // namespace iddpm::cli
