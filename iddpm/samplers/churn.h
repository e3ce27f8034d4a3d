#pragma once

#include <limits>
#include <vector>

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// Noise added before a step, so that it begins at a noisier level: algorithm 2 of Karras et al. 2022 ("EDM"), arXiv
/// 2206.00364. Noise levels are sigma / alpha.
struct ChurnOptions {
  double amount = 0.0;                                        ///< S_churn, spread over the steps of the run; 0: none
  double least = 0.0;                                         ///< S_tmin, the noise levels that are churned
  double greatest = std::numeric_limits<double>::infinity();  ///< S_tmax
  double noise = 1.0;                                         ///< S_noise, standard deviation of the noise added
};

/// Throws Error unless all are at least 0.
void check(const ChurnOptions& options);
ChurnOptions churn_options(const SamplerOptions& options);
/// As an entry of the table of samplers knows them.
std::vector<SamplerOption> churn_entry_options();

/// x at level k with as much noise as the options say, and the level where it then is: the nearest of those walked,
/// since a process of discrete timesteps has no others (EDM rounds to the model's own for the same reason). Few steps
/// lie far apart and leave no level near enough: then nothing is added.
struct Churned {
  Tensor x;
  std::int64_t k;
};
Churned churned(const ChurnOptions& options, const LevelWalk& walk, const Tensor& x, std::int64_t k);

}  // namespace iddpm
