#pragma once

#include <filesystem>

namespace iddpm::cli {

/// The model file that a path means, as `find_checkpoint` has it, saying of every damaged checkpoint that it is passed
/// over.
std::filesystem::path find_model(const std::filesystem::path& path);

}  // namespace iddpm::cli
