#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/model/trajectory_table.h"

namespace iddpm::cli {

/// `iddpm respace --by trajectories`: measures the table beside the model file unless it is there (or is to be
/// overwritten), and prints the best timesteps for the numbers of `steps` (empty: some).
void respace_by_trajectories(const CLI::App& verb, const std::filesystem::path& model, const WeightOptions& weights,
                             const ComputeOptions& compute, const TrajectoryTableOptions& options,
                             std::vector<std::int64_t> steps, bool overwrite, bool json);

}  // namespace iddpm::cli
