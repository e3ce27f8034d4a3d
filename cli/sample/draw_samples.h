#pragma once

#include <filesystem>
#include <vector>

#include "cli/sample/sample_arguments.h"
#include "iddpm/model/model.h"

namespace iddpm::cli {

/// Draws what was asked for into its folder, goes on there if that was begun, says what it does, and returns the
/// images' files in their order. Several processes are called so together: each draws its share, rank 0 writes and
/// returns.
std::vector<std::filesystem::path> draw_samples(SampleArguments arguments, const Model& model, ProcessGroup& group);

}  // namespace iddpm::cli
