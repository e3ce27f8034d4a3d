#pragma once

#include <filesystem>

#include "cli/options/compute_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/model/model.h"

namespace iddpm::cli {

/// The model file that a path means, as `find_checkpoint` has it, saying of every damaged checkpoint that it is passed
/// over.
std::filesystem::path find_model(const std::filesystem::path& path);

/// The model that a verb was asked about, with the weights and the way to compute that were asked for. Says which
/// damaged checkpoints of a run were passed over, as `find_model` does.
Model open_model(const std::filesystem::path& path, const WeightOptions& weights, const ComputeOptions& compute);

}  // namespace iddpm::cli
