#pragma once

#include <filesystem>

#include "iddpm/evaluation/likelihood/pairwise_bound.h"

namespace iddpm {

/// Saves the table, so that a model's best timesteps need be measured only once: a safetensors file with the candidates
/// and the terms (float64; of the square ones, the part that is looked at, row after row), and which model it is of and
/// what it was measured on in the metadata. Atomically.
void save_pairwise_bound(const std::filesystem::path& path, const PairwiseBound& bound);

/// Throws Error naming the file if it is none of ours or inconsistent: types, shapes, timesteps that don't ascend
/// within the process, terms that are not finite.
PairwiseBound load_pairwise_bound(const std::filesystem::path& path);

}  // namespace iddpm
