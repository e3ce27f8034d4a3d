#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/model/model.h"
#include "iddpm/samplers/trajectory_timesteps.h"

namespace iddpm {

/// The most timesteps to choose from.
inline constexpr std::int64_t most_trajectory_candidates = 1000;

/// How a model's trajectories are measured.
struct TrajectoryTableOptions {
  std::int64_t count = 256;       ///< images, of all classes in turn
  std::int64_t candidates = 100;  ///< timesteps to choose from, evenly spread; fewer in a process that has fewer
  std::int64_t batch = 32;        ///< images at a time, each of whose steps are remembered
  std::uint64_t seed = 0;         ///< of the noise
};

/// What timesteps for any number of steps are chosen by, and what it was measured of.
struct TrajectoryTable {
  std::vector<std::int64_t> timesteps;  ///< the candidates, ascending
  TrajectoryTimesteps trajectories;     ///< by their places
  std::int64_t process_steps = 0;       ///< of the model's process
  std::string weights = {};             ///< "raw", "ema 0.9999"
  std::string checkpoint_sha256 = {};
  std::uint64_t seed = 0;

  /// The `count` timesteps of the model's process, ascending. Throws Error unless there are so many candidates.
  std::vector<std::int64_t> best_timesteps(std::int64_t count) const;
};

/// Walks the trajectories: as many evaluations per image as there are candidates, which `progress` counts. Throws Error
/// for options that can't be and for a model that enlarges images.
TrajectoryTable measure_trajectories(const Model& model, const TrajectoryTableOptions& options = {},
                                     const ProgressCallback& progress = {});

/// Saves the table as a safetensors file, atomically.
void save_trajectory_table(const std::filesystem::path& path, const TrajectoryTable& table);
/// Throws Error naming the file if it is none of ours or inconsistent.
TrajectoryTable load_trajectory_table(const std::filesystem::path& path);

/// The table beside a model file, known to be of this file and these weights. Throws Error saying which command makes
/// it if there is none or it is of another model.
TrajectoryTable load_measured_trajectories(const std::filesystem::path& checkpoint, const std::string& weights);

}  // namespace iddpm
