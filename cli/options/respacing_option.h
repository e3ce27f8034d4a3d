#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/evaluation/likelihood/pairwise_bound.h"

namespace iddpm::cli {

/// The K of "optimalK": the K timesteps with which a model has the least bound. Unset for any other specification of
/// `--steps`. Throws Error if what follows is no count.
std::optional<std::int64_t> optimal_count(const std::string& specification);

/// Throws Error unless it is a specification, whatever the process that it is of.
void check_respacing(const std::string& specification);

/// The timesteps that `--steps` keeps of a process of `steps`: what respaced_timesteps (respacing.h) says or, for
/// "optimalK", those of the table beside the checkpoint. `weights` are the ones used, as the table names them: "raw" or
/// "ema 0.999". Throws Error saying which command makes the table if there is none, or if it is of another model file
/// or of other weights.
std::vector<std::int64_t> chosen_timesteps(std::int64_t steps, const std::string& specification,
                                           const std::filesystem::path& checkpoint, const std::string& weights);

/// The table beside the checkpoint, known to be of these weights.
PairwiseBound load_measured_bound(const std::filesystem::path& checkpoint, const std::string& weights);

}  // namespace iddpm::cli
