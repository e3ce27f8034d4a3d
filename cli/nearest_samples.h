#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "iddpm/data/dataset.h"
#include "iddpm/io/image_file.h"

namespace iddpm::cli {

/// Samples above the training images that are nearest to them.
struct NearestSamples {
  Image picture = {};
  std::string caption = {};  ///< with the distances, and those among training images
};

/// Draws a few samples of a run's newest checkpoint, finds their nearest training images by their pixels, and keeps
/// both in RUN/samples/nearest (grid.png, nearest.json), from where they are taken as long as the checkpoint is the
/// newest; nothing is drawn unless `may_draw`. Nothing for a model that enlarges images. Throws Error if there is no
/// checkpoint or it draws nothing finite.
std::optional<NearestSamples> nearest_samples(const std::filesystem::path& run_folder, const Dataset& dataset,
                                              bool may_draw);

}  // namespace iddpm::cli
