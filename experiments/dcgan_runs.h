#pragma once

#include <filesystem>
#include <vector>

#include "experiments/baselines/dcgan/dcgan.h"
#include "experiments/judges.h"
#include "experiments/workbench.h"

namespace iddpm::experiments {

/// A GAN for the workbench's images, as its settings say; `seed` is added to theirs.
baselines::DcganOptions dcgan_options(Workbench& bench, double learning_rate, std::uint64_t seed_offset = 0);

/// Trains it until it has had each of so many seconds of processor time (ascending), the reading of the data included,
/// and returns its file at each (Dcgan::processor_seconds says when exactly). Goes on where an earlier call was
/// stopped. Throws NotFiniteError, at once if it did before, if training diverges.
std::vector<std::filesystem::path> trained_dcgan(Workbench& bench, const baselines::DcganOptions& options,
                                                 const std::vector<double>& marks);

/// A rate of a sweep and what it came to, by the judge for tuning.
struct TriedRate {
  double learning_rate = 0;
  double frechet_distance = 0;  ///< extrapolated in the number of samples; infinite if training diverged
};

/// Trains a GAN, of a seed that nothing is reported of, at each of the plan's rates for `budget` processor seconds.
/// Empty if there is only one rate: nothing to choose.
std::vector<TriedRate> try_learning_rates(Workbench& bench, Judges& judges, double budget, std::int64_t samples);

/// The rate of least distance, or the plan's only one.
double best_learning_rate(const std::vector<TriedRate>& tried, const GanPlan& plan);

/// "0.0001: 3.2, 0.0002: 2.9".
std::string describe(const std::vector<TriedRate>& tried);

}  // namespace iddpm::experiments
