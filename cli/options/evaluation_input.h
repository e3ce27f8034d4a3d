#pragma once

#include <filesystem>

namespace iddpm::cli {

/// What `iddpm evaluate` was asked about, by what lies at the path.
enum class EvaluationInput {
  model,   ///< a checkpoint or run folder
  images,  ///< a data set: a folder of images, an .npz, ...
  result   ///< a .json that an evaluation wrote
};

/// Throws Error naming the path if there is nothing.
EvaluationInput kind_of_input(const std::filesystem::path& path);

}  // namespace iddpm::cli
