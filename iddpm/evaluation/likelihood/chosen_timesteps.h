#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/evaluation/likelihood/pairwise_bound.h"
#include "iddpm/model/model.h"

namespace iddpm {

/// The K of "optimalK": the K timesteps with which a model has the least bound. Unset for any other specification.
/// Throws Error if what follows is no count.
std::optional<std::int64_t> optimal_count(const std::string& specification);
/// The K of "bestK": the K timesteps that follow a model's own trajectories best. Unset, throws as above.
std::optional<std::int64_t> best_count(const std::string& specification);

/// The timesteps that a specification keeps of a model's process: what respaced_timesteps (respacing.h) says or, for
/// "optimalK" and "bestK", those of a table beside the model file. Throws Error saying which command makes the table if
/// there is none, or if it is of another model file or of other weights.
std::vector<std::int64_t> chosen_timesteps(const Model& model, const std::string& specification);

/// The table beside a model file, known to be of these weights ("raw" or "ema 0.999").
PairwiseBound load_measured_bound(const std::filesystem::path& checkpoint, const std::string& weights);

}  // namespace iddpm
